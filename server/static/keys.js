// Escape clears the brush, z undoes, y redoes; ignored while a field is being filled in.
document.addEventListener("keydown", (event) => {
  const target = event.composedPath()[0]
  const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName)
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return
  if (!["Escape", "z", "y"].includes(event.key)) return
  const keys = Bokeh.documents[0].get_model_by_name("keys")
  keys.tags = [event.key, event.timeStamp]
})
