// A plot that is not displayed, such as C1's counts while its entropies are shown, would work as hard
// at a brush as one that is: it takes the new data and measures its texts, and, as its axes have no
// room, lays out the page. Here it does so when it is displayed again. `PlotView.paint` and `repaint` and
// `GlyphRendererView.update_data` are in no manual, looked at in 3.8.2 and 3.9.2. Without them pages
// work as before, only slower.
;(() => {
  const plots = Bokeh.require("models/plots/plot_canvas").PlotView?.prototype
  const glyphs = Bokeh.require("models/renderers/glyph_renderer").GlyphRendererView?.prototype
  const { paint, repaint } = plots ?? {}
  const update = glyphs?.update_data
  if (paint === undefined || repaint === undefined || update === undefined) {
    console.error("headbrush: this BokehJS paints in another way; hidden plots slow a page down")
    return
  }
  /** @type {WeakMap<object, Set<any>>} what has old data, by plot */
  const waiting = new WeakMap()

  glyphs.update_data = async function update_data(/** @type {number[] | undefined} */ indices) {
    const plot = this.plot_view
    if (plot.is_displayed) {
      await update.call(this, indices)
      return
    }
    waiting.set(plot, (waiting.get(plot) ?? new Set()).add(this))
  }

  plots.paint = function () {
    const late = this.is_displayed ? waiting.get(this) : undefined
    if (late === undefined) {
      paint.call(this)
      return
    }
    waiting.delete(this) // each asks to be painted when it has the data
    for (const drawn of late) if (!drawn.is_destroyed) update.call(drawn)
    this.request_repaint()
  }

  plots.repaint = function () {
    if (this.is_displayed) repaint.call(this)
    else this.paint()
  }
})()
