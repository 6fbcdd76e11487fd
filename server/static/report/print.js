// Paper is light, of one width whatever the window's, and sharp. A browser does not draw plots anew
// for paper, so all is laid out for it on the screen before, and painted at once.
(() => {
  const SHARP = 2 // pixels of a plot for a pixel of the layout, at least
  const root = document.documentElement
  const ratio = Object.getOwnPropertyDescriptor(window, "devicePixelRatio")
  let scrolled = 0

  const plots = () => [...Bokeh.index.query((view) => view.invalidate_painters != null)]

  function layOut() {
    for (const view of Bokeh.index.query((view) => view.is_layout_root)) view.compute_layout()
    headbrushPatterns.repaint()
  }

  // Chromium prints the strokes of a layer, and with them that it was cleared: the upper layer would
  // clear the lower one, so it is drawn into that.
  function merge({ canvas_view: { primary, overlays } }) {
    primary.ctx.drawImage(overlays.canvas, 0, 0)
    overlays.el.style.display = "none"
  }

  function begin() {
    scrolled = scrollY
    const value = Math.max(SHARP, devicePixelRatio)
    Object.defineProperty(window, "devicePixelRatio", { value, configurable: true })
    root.classList.add("hb-printing")
    layOut()
    hbTheme.print(true)
    plots().forEach(merge)
  }

  function end() {
    Object.defineProperty(window, "devicePixelRatio", ratio)
    root.classList.remove("hb-printing")
    for (const plot of plots()) plot.canvas_view.overlays.el.style.display = ""
    layOut()
    hbTheme.print(false)
    scrollTo(0, scrolled)
  }

  addEventListener("beforeprint", begin)
  addEventListener("afterprint", end)
})()
