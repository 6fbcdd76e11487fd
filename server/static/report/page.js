// What a report's page does beside its plots: the clear button, Escape, classes of the legend.
(() => {
  const all = (...names) => (window.Bokeh?.documents ?? [])
    .flatMap((shown) => [...shown._all_models.values()]).filter((model) => names.includes(model.name))

  function clear() {
    all("pattern_places").forEach(headbrushPatterns.clear)
    for (const source of all("headbrush_images", "headbrush_heads")) source.selected.indices = []
  }

  function joined(old, found, event) {
    const [more, both] = [event.shiftKey, event.ctrlKey || event.metaKey]
    const [had, has] = [new Set(old), new Set(found)]
    if (more && both) return old.filter((one) => !has.has(one))
    if (both) return old.length ? found.filter((one) => had.has(one)) : found
    return more ? [...new Set([...old, ...found])].sort((a, b) => a - b) : found
  }

  // Legends lie within Bokeh's own roots, so their buttons are found on the way of the click
  document.addEventListener("click", (event) => {
    const button = event.composedPath().find((part) => part.dataset?.kind != null)
    if (event.target.id == "report_clear") clear()
    if (button == null) return
    const [images] = all("headbrush_images")
    const { kind, number } = button.dataset
    const wanted = kind == "class" ? Number(number) : number == "0"
    const found = []
    Array.from(images.get_column(kind)).forEach((one, at) => {
      if ((kind == "class" ? one : Boolean(one)) === wanted) found.push(at)
    })
    images.selected.indices = joined(images.selected.indices, found, event)
  })
  document.addEventListener("keydown", (event) => { if (event.key == "Escape") clear() })
})()
