// Buttons within the HTML of the What if workspace ask the server; the browser keeps the named prune sets.
;(() => {
  const { ready } = headbrush
  const ask = (/** @type {unknown[]} */ ...words) => ready.ask("what_if_asked", ...words)
  let isFollowed = false

  /** The store and images that the sets belong to. */
  function storage() {
    const { store, images } = ready.model("prune_sets").tags[0]
    return `headbrush_prune_sets ${store} ${images}`
  }

  function keep() {
    const { keep: text } = ready.model("prune_sets").tags[0]
    if (text == null) return
    try {
      localStorage.setItem(storage(), text)
    } catch {
      // Storage is blocked: nothing is kept
    }
  }

  function restore() {
    try {
      const kept = localStorage.getItem(storage())
      if (kept != null) ask("restore", kept)
    } catch {
      // Storage is blocked: nothing is kept
    }
  }

  /** The workspace is built when it is first shown. */
  function follow() {
    if (isFollowed || !ready.has("prune_sets")) return
    isFollowed = true
    ready.model("prune_sets").properties.tags.change.connect(keep)
    restore()
    addEventListener("storage", (event) => {
      if (event.key === storage() && event.newValue != null) ask("restore", event.newValue)
    })
  }

  /**
   * The button of an event; they lie within Bokeh's own roots.
   * @param {Event} event
   */
  const buttonOf = (event) =>
    /** @type {HTMLElement[]} */ (event.composedPath()).find((part) => part.dataset?.ask != null)

  /** @type {HTMLElement | undefined} */
  let focused
  /** A button that is written again keeps the focus; where it is gone, the last of its kind gets it. */
  const rewritten = new MutationObserver(() => {
    if (focused == null || focused.isConnected) return
    const { ask: what, number } = focused.dataset
    const root = /** @type {ShadowRoot} */ (watched)
    /** @type {NodeListOf<HTMLElement>} */
    const found = root.querySelectorAll(`[data-ask="${what}"]`)
    const alike = [...found]
    const again = alike.find((one) => one.dataset.number === number) ?? alike.at(-1)
    focused = undefined
    again?.focus()
  })
  /** @type {Node | undefined} */
  let watched
  /**
   * What was clicked or reached by keyboard has the focus; `focusin` is not heard between two parts
   * of one of Bokeh's roots.
   * @param {Event} event
   */
  function watch(event) {
    focused = buttonOf(event)
    rewritten.disconnect()
    watched = focused?.getRootNode()
    if (watched != null) rewritten.observe(watched, { childList: true, subtree: true })
  }
  document.addEventListener("keyup", watch)
  document.addEventListener("click", (event) => {
    const button = buttonOf(event)
    watch(event)
    if (button != null) ask(button.dataset.ask, Number(button.dataset.number))
  })
  document.addEventListener("headbrush_workspace", follow)
  ready.whenShown(follow)
})()
