// Light or dark: the reader's choice, else the system's; known before anything is painted.
const hbTheme = (() => {
  const KEY = "headbrush_theme"
  const system = matchMedia("(prefers-color-scheme: dark)")
  let chosen = null
  try { chosen = localStorage.getItem(KEY) } catch { /* storage is blocked: follow the system */ }

  function now() {
    return ["light", "dark"].includes(chosen) ? chosen : system.matches ? "dark" : "light"
  }

  // What the server draws (densities, matrices) follows; what the browser draws is painted anew.
  function tellBokeh() {
    const shown = Bokeh.documents[0].get_model_by_name("theme")
    if (shown.tags[0] != now()) shown.tags = [now()]
    for (const view of Bokeh.index.query((view) => view.request_repaint != null)) {
      view.request_repaint()
    }
  }

  function show() {
    document.documentElement.dataset.theme = now()
    document.cookie = `${KEY}=${now()}; path=/; max-age=31536000; SameSite=Lax`
    document.getElementById("theme")?.setAttribute("aria-pressed", String(now() == "dark"))
    if (window.Bokeh?.documents.length) tellBokeh()
  }

  function toggle() {
    chosen = now() == "dark" ? "light" : "dark"
    try { localStorage.setItem(KEY, chosen) } catch { /* not remembered */ }
    show()
  }

  system.addEventListener("change", show)
  show()
  return { show, toggle }
})()
