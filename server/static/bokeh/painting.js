// Paints plots at once, in the theme of now and for paper. BokehJS has no public way to either: the
// parts of its views that are used here were looked at in 3.8.2 and 3.9.2. A part that is missing is
// an error.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.painting = (() => {
  /** @returns {any[]} the views of all plots */
  const plots = () => [
    ...Bokeh.index.query((/** @type {any} */ view) => view.model.type === "Figure"),
  ]

  /** Paint all plots when the browser has time for it: styles of the page have changed. */
  function paintSoon() {
    for (const plot of plots()) plot.request_repaint()
  }

  /** Paint all plots before the browser goes on, with colours that were just set. */
  function paintNow() {
    for (const plot of plots()) {
      for (const drawn of plot.computed_renderer_views) drawn.set_visuals?.() // glyphs have some
      plot.invalidate_painters()
      plot.paint()
    }
  }

  /** Lay out all plots in the room that they have now. */
  function layOut() {
    const roots = Bokeh.index.query((/** @type {any} */ view) => view.is_layout_root)
    for (const root of roots) root.compute_layout()
  }

  /**
   * Draw the upper layer of all plots into the lower one, or show it again. Chromium prints the
   * strokes of a layer, and with them that it was cleared: an upper layer would clear the lower one.
   * @param {boolean} isMerged
   */
  function mergeLayers(isMerged) {
    for (const plot of plots()) {
      const { primary, overlays } = plot.canvas_view
      if (isMerged) primary.ctx.drawImage(overlays.canvas, 0, 0)
      overlays.el.style.display = isMerged ? "none" : ""
    }
  }

  document.addEventListener("headbrush_theme", paintSoon)
  return { layOut, mergeLayers, paintNow }
})()
