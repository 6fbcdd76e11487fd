// Light or dark: the reader's choice, else the system's; known before anything is painted.
const hbTheme = (() => {
  const KEY = "headbrush_theme"
  const system = matchMedia("(prefers-color-scheme: dark)")
  let chosen = null, printing = false
  try { chosen = localStorage.getItem(KEY) } catch { /* storage is blocked: follow the system */ }

  function now() {
    if (printing) return "light"
    return ["light", "dark"].includes(chosen) ? chosen : system.matches ? "dark" : "light"
  }

  // What the server draws (densities, matrices) follows; what the browser draws is painted anew.
  function tellBokeh() {
    const shown = Bokeh.documents[0].get_model_by_name("theme") // none in a report
    if (shown != null && shown.tags[0] != now()) shown.tags = [now()]
    document.dispatchEvent(new Event("headbrush_theme"))
    for (const view of Bokeh.index.query((view) => view.request_repaint != null)) {
      view.request_repaint()
    }
  }

  function show() {
    document.documentElement.dataset.theme = now()
    try {
      document.cookie = `${KEY}=${now()}; path=/; max-age=31536000; SameSite=Lax`
    } catch { /* a frame without storage: the server need not know */ }
    document.getElementById("theme")?.setAttribute("aria-pressed", String(now() == "dark"))
    if (window.Bokeh?.documents.length) tellBokeh()
  }

  function toggle() {
    chosen = now() == "dark" ? "light" : "dark"
    try { localStorage.setItem(KEY, chosen) } catch { /* not remembered */ }
    show()
  }

  // While a report is printed it is light, and all of it is painted at once
  function print(begins) {
    printing = begins
    show()
    for (const view of Bokeh.index.query((view) => view.invalidate_painters != null)) {
      for (const drawn of view.computed_renderer_views) drawn.set_visuals?.()
      view.invalidate_painters()
      view.paint()
    }
  }

  system.addEventListener("change", show)
  show()
  return { print, show, toggle }
})()
