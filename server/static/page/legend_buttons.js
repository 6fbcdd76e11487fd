// A class in a legend is a button: it brushes the images of that class, as the held keys say.
;(() => {
  // Legends lie within Bokeh's own roots, so their buttons are found on the way of the click
  document.addEventListener("click", (event) => {
    const path = /** @type {HTMLElement[]} */ (event.composedPath())
    const button = path.find((part) => part.dataset?.kind != null)
    if (button == null) return
    const panel = path.find((part) => part.classList?.contains("hb-panel"))
    if (panel == null) throw new Error("a legend stands in no panel")
    const { kind, number } = button.dataset
    const combine = headbrush.combine.fromClick(event)
    headbrush.ready.ask("kind_asked", panel.dataset.name, kind, Number(number), combine)
  })
})()
