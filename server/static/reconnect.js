// A lost server: say so, and open the page anew once it answers; the address holds the state.
(() => {
  const note = document.getElementById("lost")
  const health = new URL("healthz", location.href.replace(/\/?(\?.*)?(#.*)?$/, ""))
  const LAST = "headbrush_reloaded"
  const OFTEN = 20_000
  let waiting = false

  // A page that is lost again at once waits longer.
  function pause() {
    let last = 0
    try { last = Number(sessionStorage.getItem(LAST)) } catch { /* not remembered */ }
    return (Date.now() - last < OFTEN ? 10_000 : 1000) + 1000 * Math.random()
  }

  async function answers() {
    try {
      return (await fetch(health, { cache: "no-store" })).status < 500
    } catch {
      return false
    }
  }

  async function wait() {
    if (await answers()) {
      try { sessionStorage.setItem(LAST, String(Date.now())) } catch { /* not remembered */ }
      location.reload()
    } else {
      setTimeout(wait, pause())
    }
  }

  function lost() {
    if (waiting) return
    waiting = true
    note.hidden = false
    setTimeout(wait, pause())
  }

  // links and reloads close the connection as well
  addEventListener("beforeunload", () => { waiting = true })
  function listen() {
    const bokeh = window.Bokeh?.documents[0]
    bokeh ? bokeh.on_event("connection_lost", lost) : setTimeout(listen, 30)
  }
  listen()
})()
