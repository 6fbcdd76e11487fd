// Names for those who do not see: of every plot, of Bokeh's tools, menus and pressed buttons. Bokeh
// draws them again whenever it likes, so `put` is called again after changes; it writes what differs.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.names = (() => {
  const { deep, places } = headbrush

  /**
   * @param {Element} element
   * @param {Record<string, string>} wanted
   */
  function write(element, wanted) {
    for (const [name, value] of Object.entries(wanted))
      if (element.getAttribute(name) !== value) element.setAttribute(name, value)
  }

  /**
   * What scrolls and holds nothing to press must be reached to be scrolled: a legend without room.
   * @param {HTMLElement} one
   */
  function nameScroller(one) {
    const scrolls = one.style.overflowY === "auto" && one.scrollHeight > one.clientHeight + 1
    const isBare = scrolls && one.shadowRoot?.querySelector("button, hb-gallery") == null
    if (isBare)
      write(one, { "data-scrolls": "", role: "group", "aria-label": "Legend", tabindex: "0" })
    else if (one.dataset.scrolls != null)
      for (const name of ["data-scrolls", "role", "aria-label", "tabindex"])
        one.removeAttribute(name)
  }

  /** @param {HTMLElement} one */
  function nameControl(one) {
    const { classList, tagName } = one
    if (classList.contains("bk-Div")) return nameScroller(one)
    if (classList.contains("bk-tool-overflow"))
      write(one, { role: "button", "aria-label": "More tools" })
    else if (classList.contains("bk-ClickButton"))
      write(one, { role: "button", "aria-label": one.title })
    else if (classList.contains("bk-OnOffButton")) {
      const pressed = String(classList.contains("bk-active"))
      write(one, { role: "button", "aria-label": one.title, "aria-pressed": pressed })
    } else if (tagName === "BUTTON" && deep.closest(one, ".bk-RadioButtonGroup") != null) {
      write(one, { "aria-pressed": String(classList.contains("bk-active")) })
    } else if (["BUTTON", "INPUT", "SELECT"].includes(tagName)) {
      const label = deep.closest(one, "[data-label]")?.dataset.label
      if (label != null) write(one, { "aria-label": label })
    }
  }

  /**
   * Title, and what the panel shows now: its summary or caption.
   * @param {HTMLElement} panel
   */
  function wordsOf(panel) {
    const letter = panel.querySelector(".hb-letter")?.textContent
    const title = panel.querySelector("h2, h3")?.textContent ?? ""
    const described = document.getElementById(panel.getAttribute("aria-describedby") ?? "")
    const text = described?.textContent?.trim() ?? ""
    return `${letter ? `${letter}: ` : ""}${title} ${text}`.trim()
  }

  /**
   * What stands over a plot that is not the first of its panel.
   * @param {HTMLElement} canvas
   * @param {HTMLElement} panel
   */
  function titleOf(canvas, panel) {
    const column = deep.closest(canvas, ".bk-Column")?.shadowRoot
    const words = column == null ? [] : deep.within(column).filter((one) => one.tagName === "P")
    return words[0]?.textContent || panel.querySelector("h2, h3")?.textContent || ""
  }

  /**
   * Whether Bokeh draws a toolbar within; nothing is heard of what lies in an image.
   * @param {HTMLElement} canvas
   */
  function holdsTools(canvas) {
    for (const one of deep.within(canvas))
      if (one.hasAttribute("tabindex") && deep.isSeen(one)) return true
    return false
  }

  /** A plot is an image; what the keys of `keyboard/plots.js` work in is an application. */
  function namePlots() {
    /** @type {Set<HTMLElement>} */
    const named = new Set()
    for (const { view, canvas } of places.plots()) {
      const panel = deep.closest(canvas, ".hb-panel")
      if (panel == null || !deep.isSeen(canvas)) continue
      const label = named.has(panel) ? titleOf(canvas, panel) : wordsOf(panel)
      const hasKeys = !named.has(panel) && Boolean(headbrush.plotKeys?.has(view.model.name))
      named.add(panel)
      const more = headbrush.plotKeys?.more(view.model.name) ?? ""
      const role = hasKeys ? "application" : holdsTools(canvas) ? "group" : "img"
      write(canvas, { role, "aria-label": `${label}${more}` })
      if (hasKeys) write(canvas, { "aria-roledescription": "plot with keys" })
      const tabIndex = hasKeys ? 0 : -1
      if (canvas.tabIndex !== tabIndex) canvas.tabIndex = tabIndex
    }
  }

  /**
   * Name all that is drawn now.
   * @param {HTMLElement[]} all elements of the page
   */
  function put(all = deep.within(document.body)) {
    for (const one of all) nameControl(one)
    namePlots()
  }

  return { put }
})()
