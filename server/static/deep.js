// Elements across the shadow roots in which Bokeh draws.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.deep = (() => {
  const LEAVES = new Set(["SELECT", "svg", "STYLE"])

  /**
   * All elements within, also those in shadow roots, in the order of the page; nothing of menus'
   * options and of icons.
   * @param {ParentNode} root
   * @param {HTMLElement[]} found
   */
  function within(root, found = []) {
    for (const child of root.children) {
      const one = /** @type {HTMLElement} */ (child)
      found.push(one)
      if (one.shadowRoot != null) within(one.shadowRoot, found)
      if (!LEAVES.has(one.tagName)) within(one, found)
    }
    return found
  }

  /** The element in focus, in whatever shadow root. */
  function focused() {
    let one = document.activeElement
    while (one?.shadowRoot?.activeElement != null) one = one.shadowRoot.activeElement
    return /** @type {HTMLElement | null} */ (one)
  }

  /**
   * The element and what it lies in, from the inside out.
   * @param {Element} element
   */
  function* outwards(element) {
    /** @type {Element | null} */
    let one = element
    while (one != null) {
      yield/** @type {HTMLElement} */ (one)
      const root = one.getRootNode()
      one = one.parentElement ?? (root instanceof ShadowRoot ? root.host : null)
    }
  }

  /**
   * The nearest element around, or this one, that fits a selector.
   * @param {Element} element
   * @param {string} selector
   */
  function closest(element, selector) {
    for (const one of outwards(element)) if (one.matches(selector)) return one
    return null
  }

  /** @param {Element} element */
  const isSeen = (element) =>
    element.isConnected && element.checkVisibility({ visibilityProperty: true })

  return { closest, focused, isSeen, outwards, within }
})()
