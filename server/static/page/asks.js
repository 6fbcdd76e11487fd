// Buttons within the HTML of views ask the server.
;(() => {
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
    if (button != null)
      headbrush.ready.ask("asked", button.dataset.ask, Number(button.dataset.number))
  })
})()
