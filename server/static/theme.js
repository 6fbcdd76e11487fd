// Light or dark: the reader's choice, or else the system's; known before anything is painted.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.theme = (() => {
  const KEY = "headbrush_theme"
  const system = matchMedia("(prefers-color-scheme: dark)")
  /** @type {string | null} */
  let chosen = null
  let printing = false
  try {
    chosen = localStorage.getItem(KEY)
  } catch {
    // Storage is blocked: follow the system
  }

  /** The theme that is shown; paper is light. */
  function now() {
    if (printing) return "light"
    if (chosen === "light" || chosen === "dark") return chosen
    return system.matches ? "dark" : "light"
  }

  function show() {
    document.documentElement.dataset.theme = now()
    try {
      // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs https
      document.cookie = `${KEY}=${now()}; path=/; max-age=31536000; SameSite=Lax`
    } catch {
      // A frame without storage: the server need not know
    }
    // The page to log in has no button, and the others have none until they are read
    document.getElementById("theme")?.setAttribute("aria-pressed", String(now() === "dark"))
    // Plots follow once there are any: bokeh/painting.js, page/theme_button.js, report/theme.js
    if (globalThis.Bokeh?.documents.length) document.dispatchEvent(new Event("headbrush_theme"))
  }

  function toggle() {
    chosen = now() === "dark" ? "light" : "dark"
    try {
      localStorage.setItem(KEY, chosen)
    } catch {
      // Not remembered
    }
    show()
  }

  /**
   * A report is light while it is printed.
   * @param {boolean} begins
   */
  function print(begins) {
    printing = begins
    show()
  }

  system.addEventListener("change", show)
  show()
  return { now, print, show, toggle }
})()
