// A class in a legend is a button: it brushes the images of that class, as the held keys say.
(() => {
  let stamp = 0
  // Legends lie within Bokeh's own roots, so their buttons are found on the way of the click
  document.addEventListener("click", (event) => {
    const path = event.composedPath()
    const button = path.find((part) => part.dataset?.kind != null)
    if (button == null) return
    const view = path.find((part) => part.classList?.contains("hb-panel")).dataset.name
    const [shift, control] = [event.shiftKey, event.ctrlKey || event.metaKey]
    const combine = shift && control ? "subtract" : shift ? "add" : control ? "intersect" : "replace"
    const asked = Bokeh.documents[0].get_model_by_name("kind_asked")
    asked.tags = [view, button.dataset.kind, Number(button.dataset.number), combine, stamp++]
  })
})()
