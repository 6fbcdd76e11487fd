// Keys act on the page unless a field is being filled in; `?` lists them.
;(() => {
  const { element, isShown, model } = headbrush.ready
  const list = element("keys_list")
  const acts = list.dataset.keys?.split(" ") ?? []

  /**
   * A menu keeps its arrows, a text field all of its keys.
   * @param {KeyboardEvent} event
   */
  function isTaken(event) {
    const { tagName } = /** @type {HTMLElement} */ (event.composedPath()[0])
    const isMenu = tagName === "SELECT" && event.key.startsWith("Arrow")
    return ["INPUT", "TEXTAREA"].includes(tagName) || isMenu
  }

  /** Whether there were any. */
  function closeMenus() {
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const menus = document.querySelectorAll(".hb-page details[open]")
    for (const menu of menus) menu.open = false
    return menus.length > 0
  }

  /**
   * As editors do.
   * @param {KeyboardEvent} event
   */
  function undoOrRedo(event) {
    const key = event.key.toLowerCase()
    if (list.open || !(key === "z" || (key === "y" && !event.shiftKey))) return
    event.preventDefault()
    press(key === "z" && event.shiftKey ? "y" : key, event)
  }

  /**
   * @param {string} key
   * @param {KeyboardEvent} event
   */
  function press(key, event) {
    if (isShown()) model("keys").tags = [key, event.timeStamp]
  }

  let swallowed = false // a plot in focus clears its selection when Escape comes up: not then
  document.addEventListener("keydown", (event) => {
    if (isTaken(event) || event.altKey) return
    if (event.ctrlKey || event.metaKey) return undoOrRedo(event)
    if (event.key === "Escape" && (list.open || closeMenus())) {
      swallowed = true
      list.close()
    } else if (event.key === "?") {
      if (list.open) list.close()
      else list.showModal()
    } else if (!list.open && acts.includes(event.key)) {
      event.preventDefault()
      press(event.key, event)
    }
  })
  addEventListener(
    "keyup",
    (event) => {
      if (event.key !== "Escape" || !swallowed) return
      swallowed = false
      event.stopPropagation()
    },
    true,
  )
  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element && target.closest("details"))) closeMenus()
  })
  element("show_keys").addEventListener("click", () => list.showModal())
})()
