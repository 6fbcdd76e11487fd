// What a report does beside its plots: the clear button, Escape, classes of the legend. Other pages
// may hold the parts of several reports, some of them only.
;(() => {
  /** Of the only store, and of two. */
  const SIDES = ["", "a_", "b_"]

  /**
   * All models of a name, in all documents of the page.
   * @param {string} name
   */
  const named = (name) =>
    Bokeh.documents.flatMap((shown) => [...shown.all_models]).filter((model) => model.name === name)

  function clear() {
    named("pattern_places").forEach(headbrush.patterns.clear)
    for (const side of SIDES) {
      for (const name of ["headbrush_images", "headbrush_heads"])
        for (const source of named(side + name)) source.selected.indices = []
    }
  }

  /**
   * Brush the images of a class, those predicted right or wrong, or the patterns of a name.
   * @param {HTMLElement} button
   * @param {Combine} combine
   * @param {string} side
   */
  function brushKind(button, combine, side) {
    if (button.dataset.kind === "name") {
      const number = Number(button.dataset.number)
      for (const places of named("pattern_places"))
        headbrush.patterns.brushName(places, number, combine)
      return
    }
    const name = `${side}headbrush_images`
    const [images] = named(name)
    if (images == null) throw new Error(`the report has no model named "${name}"`)
    const { kind, number } = button.dataset
    const values = Array.from(images.get_column(kind))
    const chosen = [...values.keys()].filter((at) => values[at] === Number(number))
    const { selected } = images
    selected.indices = headbrush.combine.joinIds(selected.indices, chosen, combine)
  }

  document.addEventListener("click", (event) => {
    // Legends lie within Bokeh's own roots, so their buttons are found on the way of the click
    const path = /** @type {HTMLElement[]} */ (event.composedPath())
    if (path[0].id === "report_clear") clear()
    const button = path.find((part) => part.dataset?.kind != null)
    const side = path.find((part) => part.dataset?.side != null)?.dataset.side ?? ""
    if (button != null) brushKind(button, headbrush.combine.fromClick(event), side)
  })
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear()
  })
})()
