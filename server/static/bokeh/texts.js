// Where a text changes, Bokeh draws its element anew, with all its style sheets, and lays out what it
// lies in; the page's first line has three texts that change with each brush. Here the new text is
// put into the element that is there, and plots are laid out only if that changes its size. `rerender`,
// `markup_el`, `root`, `layoutable_views` and `compute_layout` of views were looked at in 3.8.2 and
// 3.9.2. Without the first pages work as before, only slower.
;(() => {
  const { MarkupView } = Bokeh.require("models/widgets/markup")
  const { DivView } = Bokeh.require("models/widgets/div")
  const { ParagraphView } = Bokeh.require("models/widgets/paragraph")
  const rerender = MarkupView?.prototype.rerender
  if (rerender === undefined || MarkupView.prototype.has_math_disabled === undefined) {
    console.error("headbrush: this BokehJS has no MarkupView.rerender; texts slow a page down")
    return
  }
  /** @type {WeakMap<Element, {view: any, size: string | null}>} views that got a text here */
  const known = new WeakMap()
  const resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const one = known.get(target)
      if (one === undefined) continue
      const size = `${contentRect.width} ${contentRect.height}`
      if (one.size !== size && holdsPlots(one.view.root)) one.view.compute_layout()
      one.size = size
    }
  })

  /** @param {any} view @returns {boolean} */
  const holdsPlots = (view) =>
    view.model.type === "Figure" || view.layoutable_views.some(holdsPlots)

  /** @this {any} a view whose text may have changed */
  function put() {
    const isParagraph = this.model.type === "Paragraph"
    const box = isParagraph ? this.markup_el?.firstElementChild : this.markup_el
    if (box == null || !this.has_math_disabled()) {
      rerender.call(this)
      return
    }
    const { text } = this.model
    if (!isParagraph && !this.model.render_as_text) box.innerHTML = text
    else if (box.textContent !== text) box.textContent = text
    if (!known.has(this.el)) {
      known.set(this.el, { view: this, size: null })
      resized.observe(this.el)
    }
  }
  for (const view of [DivView, ParagraphView]) view.prototype.rerender = put
})()
