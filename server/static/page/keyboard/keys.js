// Keys act on the page unless a field is being filled in; `?` lists them.
headbrush.keys = (() => {
  const { element, isShown, model } = headbrush.ready
  const list = element("keys_list")
  const acts = list.dataset.keys?.split(" ") ?? []

  /**
   * A menu, and a legend that scrolls, keep their arrows, a text field all of its keys.
   * @param {KeyboardEvent} event
   */
  function isTaken(event) {
    const { dataset, tagName } = /** @type {HTMLElement} */ (event.composedPath()[0])
    const isMenu =
      (tagName === "SELECT" || dataset?.scrolls != null) && event.key.startsWith("Arrow")
    return ["INPUT", "TEXTAREA"].includes(tagName) || isMenu
  }

  /** Whether there were any; what is in focus within goes to the menu's button. */
  function closeMenus() {
    /** @type {NodeListOf<HTMLDetailsElement>} */
    const menus = document.querySelectorAll("details[open]")
    for (const menu of menus) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary")?.focus()
      menu.open = false
    }
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

  let isPressed = false // then Escape ends a drag
  for (const name of ["pointerdown", "pointerup", "pointercancel"]) {
    const note = () => {
      isPressed = name === "pointerdown"
    }
    addEventListener(name, note, { capture: true, passive: true })
  }
  document.addEventListener("keydown", (event) => {
    if (isTaken(event) || event.altKey) return
    if (event.ctrlKey || event.metaKey) return undoOrRedo(event)
    if (event.key === "Escape" && (list.open || closeMenus())) {
      list.close()
    } else if (event.key === "?") {
      if (list.open) list.close()
      else list.showModal()
    } else if (!list.open && acts.includes(event.key)) {
      event.preventDefault()
      press(event.key, event)
    }
  })
  // A plot in focus clears its selection when Escape comes up, which would be a second step out
  addEventListener(
    "keyup",
    (event) => {
      if (event.key === "Escape" && !isPressed) event.stopPropagation()
    },
    true,
  )
  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element && target.closest("details"))) closeMenus()
  })
  element("show_keys").addEventListener("click", () => list.showModal())
  return { isListed: () => list.open }
})()
