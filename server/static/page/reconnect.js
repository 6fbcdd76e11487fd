// A lost server: say so, and open the page anew once it answers; the address holds the state.
// An ended login: hide what it showed, and lead to the login.
(() => {
  const note = document.getElementById("lost")
  const here = location.origin + location.pathname.replace(/\/$/, "")
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
      return (await fetch(new URL("healthz", here), { cache: "no-store" })).status < 500
    } catch {
      return false
    }
  }

  // Who is not logged in is led away from what pages ask for
  async function isLedAway() {
    try {
      const asked = { cache: "no-store", redirect: "manual" }
      return (await fetch(here + "/metadata", asked)).type == "opaqueredirect"
    } catch {
      return false
    }
  }

  function leave() {
    hbAddress.show()
    const again = document.createElement("a")
    again.href = location.href
    again.textContent = "Log in"
    note.replaceChildren("You are logged out. ", again, " to open this page again, as it was.")
    note.hidden = false
    document.querySelector("main").hidden = true
  }

  async function wait() {
    if (!await answers()) return setTimeout(wait, pause())
    if (await isLedAway()) return leave()
    try { sessionStorage.setItem(LAST, String(Date.now())) } catch { /* not remembered */ }
    hbAddress.show()
    location.reload()
  }

  async function lost() {
    if (waiting) return
    waiting = true
    if (await isLedAway()) return leave()
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
