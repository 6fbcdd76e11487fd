// A lost server: say so, and open the page again once it answers; the address holds the state.
// An ended login: hide what it showed, and lead to the login.
;(() => {
  const note = headbrush.ready.element("lost")
  const here = location.origin + location.pathname.replace(/\/$/, "")
  const LAST = "headbrush_reloaded"
  const OFTEN_MS = 20_000
  let isWaiting = false

  /** A page that is lost again at once waits longer. */
  function pause() {
    let last = 0
    try {
      last = Number(sessionStorage.getItem(LAST))
    } catch {
      // Not remembered
    }
    return (Date.now() - last < OFTEN_MS ? 10_000 : 1000) + 1000 * Math.random()
  }

  async function answers() {
    try {
      return (await fetch(new URL("healthz", here), { cache: "no-store" })).status < 500
    } catch {
      return false
    }
  }

  /** Whether the login has ended: the server then leads away from what pages ask for. */
  async function isLedAway() {
    try {
      const answer = await fetch(`${here}/metadata`, { cache: "no-store", redirect: "manual" })
      return answer.type === "opaqueredirect"
    } catch {
      return false
    }
  }

  function leave() {
    headbrush.address.show()
    const login = document.createElement("a")
    login.href = location.href
    login.textContent = "Log in"
    note.replaceChildren("You are logged out. ", login, " to reopen this page as it was.")
    note.hidden = false
    /** @type {NodeListOf<HTMLElement>} */
    const shown = document.querySelectorAll(".hb-page, .hb-compare")
    for (const part of shown) part.hidden = true
  }

  async function wait() {
    if (!(await answers())) {
      setTimeout(wait, pause())
      return
    }
    if (await isLedAway()) {
      leave()
      return
    }
    try {
      sessionStorage.setItem(LAST, String(Date.now()))
    } catch {
      // Not remembered
    }
    headbrush.address.show()
    location.reload()
  }

  async function lost() {
    if (isWaiting) return
    isWaiting = true
    if (await isLedAway()) {
      leave()
      return
    }
    note.hidden = false
    setTimeout(wait, pause())
  }

  // links and reloads close the connection as well
  addEventListener("beforeunload", () => {
    isWaiting = true
  })
  headbrush.ready.whenShown((bokeh) => bokeh.on_event("connection_lost", lost))
})()
