// Keys act on the page unless a field is being filled in; `?` lists them.
const hbKeys = (() => {
  const ACTS = ["Escape", "z", "y", "[", "]", "m", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]
  const list = document.getElementById("keys_list")

  // A menu keeps its arrows, a text field all of its keys
  function isTaken(event) {
    const tag = event.composedPath()[0].tagName
    return ["INPUT", "TEXTAREA"].includes(tag) || (tag == "SELECT" && event.key.startsWith("Arrow"))
  }

  function closeMenus() {
    const open = [...document.querySelectorAll(".hb-page details[open]")]
    open.forEach((menu) => { menu.open = false })
    return open.length > 0
  }

  let swallowed = false // a plot in focus clears its selection when Escape comes up: not then
  document.addEventListener("keydown", (event) => {
    if (isTaken(event) || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key == "Escape" && (list.open || closeMenus())) {
      swallowed = true
      list.close()
    } else if (event.key == "?") {
      list.open ? list.close() : list.showModal()
    } else if (!list.open && ACTS.includes(event.key)) {
      event.preventDefault()
      const keys = window.Bokeh?.documents[0]?.get_model_by_name("keys")
      if (keys != null) keys.tags = [event.key, event.timeStamp] // else nothing is shown yet
    }
  })
  addEventListener("keyup", (event) => {
    if (event.key != "Escape" || !swallowed) return
    swallowed = false
    event.stopPropagation()
  }, true)
  document.addEventListener("click", (event) => {
    if (!event.target.closest("details")) closeMenus()
  })
  document.getElementById("show_keys").addEventListener("click", () => list.showModal())
})()
