// Plots by their elements, and places in them in pixels of the window. BokehJS has public models, but no
// public way to their pixels: `el`, `frame`, `canvas_view`, `reset_range` and `trigger_event` were looked
// at in 3.8.2 and 3.9.2. The canvas that hears the pointer has the class `bk-events`.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.places = (() => {
  /** @type {WeakMap<object, HTMLElement>} */
  const canvases = new WeakMap()

  /** @returns {{view: any, canvas: HTMLElement}[]} all plots that are drawn, with what is in focus */
  function plots() {
    const views = [...Bokeh.index.query((view) => view.model.type === "Figure")]
    return views.flatMap((view) => {
      const canvas = canvasOf(view)
      return canvas == null ? [] : [{ view, canvas }]
    })
  }

  /** @param {any} view */
  function canvasOf(view) {
    const known = canvases.get(view)
    if (known?.isConnected) return known
    const root = view.el?.shadowRoot
    if (root == null) return null
    for (const one of headbrush.deep.within(root)) {
      if (!one.classList.contains("bk-events")) continue
      canvases.set(view, one)
      return one
    }
    return null
  }

  /**
   * The plot whose canvas this is.
   * @param {Element} canvas
   */
  function plotOf(canvas) {
    return plots().find((one) => one.canvas === canvas)?.view ?? null
  }

  /**
   * What the axes enclose, in pixels of the window.
   * @param {any} view
   */
  function frame(view) {
    const { left, top } = view.canvas_view.el.getBoundingClientRect()
    const { bbox } = view.frame
    return { left: left + bbox.left, top: top + bbox.top, width: bbox.width, height: bbox.height }
  }

  /**
   * The pixel of the window at a place of the plot.
   * @param {any} view
   * @param {number} x
   * @param {number} y
   */
  function pixel(view, x, y) {
    const { left, top } = view.canvas_view.el.getBoundingClientRect()
    const { x_scale, y_scale } = view.frame
    return [left + x_scale.compute(x), top + y_scale.compute(y)]
  }

  /**
   * Show all of the plot, as its tool to reset does, but keep what is brushed.
   * @param {any} view
   */
  const showAll = (view) => view.reset_range()

  /**
   * As a click at a place of the plot would: whoever listens to taps hears of it.
   * @param {any} view
   * @param {number} x
   * @param {number} y
   */
  function tap(view, x, y) {
    const { Tap } = Bokeh.require("core/bokeh_events")
    const { x_scale, y_scale } = view.frame
    const modifiers = { alt: false, ctrl: false, shift: false }
    view.model.trigger_event(new Tap(x_scale.compute(x), y_scale.compute(y), x, y, modifiers))
  }

  return { frame, pixel, plotOf, plots, showAll, tap }
})()
