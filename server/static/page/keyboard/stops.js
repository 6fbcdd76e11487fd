// Few stops of the Tab key: each panel and each line of buttons is one, and the left and right arrows,
// Home and End go on within it. Plots, galleries and tables are stops of their own with keys of their
// own. What was in focus stays in focus when Bokeh draws it again.
headbrush.stops = (() => {
  const { deep, names } = headbrush
  const GROUP = "[data-stop], .hb-panel"
  const OWN = ".hb-panel, .bk-events, .hb-scroller, [data-scrolls], tbody *, [role=tab]"
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]"
  const TEXT = "input:not([type=color]):not([type=file]):not([type=checkbox])"
  const REST_MS = 200
  const LONGEST_MS = 1000
  const LOST_MS = 30
  const page = /** @type {HTMLElement} */ (document.querySelector(".hb-page, .hb-compare"))
  /** @type {Map<string, HTMLElement>} */
  const current = new Map()
  /** @type {WeakSet<Node>} */
  const watched = new WeakSet()
  /** @type {{element: HTMLElement, group: string, place: number, label: string} | null} */
  let last = null
  let isByPointer = false
  /** @type {ReturnType<typeof setTimeout> | null} */
  let due = null
  let since = 0
  const watch = new MutationObserver(soon)

  const nameOf = (/** @type {HTMLElement | null} */ group) =>
    group?.dataset.stop ?? group?.dataset.name ?? ""

  /** @param {Element} element */
  const groupOf = (element) => nameOf(deep.closest(element, GROUP))

  /** @param {HTMLElement} one */
  function isItem(one) {
    if (!one.matches(FOCUSABLE) || one.matches(OWN) || one.matches(":disabled")) return false
    const menu = one.closest("details")
    const isInMenu = menu != null && one.tagName !== "SUMMARY"
    return !isInMenu && deep.isSeen(one)
  }

  /**
   * What the arrows go through, by group.
   * @param {HTMLElement[]} all elements of the page
   */
  function groups(all = deep.within(page)) {
    /** @type {Map<string, HTMLElement[]>} */
    const found = new Map()
    for (const item of all.filter(isItem)) {
      const name = groupOf(item)
      const items = found.get(name)
      if (items == null) found.set(name, [item])
      else items.push(item)
    }
    found.delete("")
    return found
  }

  /**
   * @param {string} name
   * @param {HTMLElement[]} items
   */
  function show(name, items) {
    const known = current.get(name)
    const stop = known != null && items.includes(known) ? known : items[0]
    if (stop != null) current.set(name, stop)
    for (const item of items) {
      const tabIndex = item === stop ? 0 : -1
      if (item.tabIndex !== tabIndex) item.tabIndex = tabIndex
    }
  }

  function refresh() {
    due = null
    const all = deep.within(page)
    names.put(all)
    const found = groups(all)
    for (const [name, items] of found) show(name, items)
    restore(found)
    observe(all)
  }

  /** Once the page rests; where it does not, or the focus is lost, sooner. */
  function soon() {
    const now = performance.now()
    if (due == null) since = now
    else clearTimeout(due)
    const isLost = last != null && !last.element.isConnected
    const wait = isLost ? LOST_MS : Math.min(REST_MS, since + LONGEST_MS - now)
    due = setTimeout(refresh, Math.max(0, wait))
  }

  /**
   * Shadow roots come with what Bokeh draws; each is watched, and shows what is in focus.
   * @param {HTMLElement[]} all elements of the page
   */
  function observe(all) {
    const roots = [page, ...all.flatMap((one) => one.shadowRoot ?? [])]
    for (const root of roots) {
      if (watched.has(root)) continue
      watched.add(root)
      const attributeFilter = ["class", "disabled", "hidden", "open", "style", "title"]
      watch.observe(root, { attributeFilter, childList: true, subtree: true, characterData: true })
      if (root instanceof ShadowRoot) root.adoptedStyleSheets.push(ring)
    }
  }

  const ring = new CSSStyleSheet()
  ring.replaceSync(`
    :focus-visible { outline: 2px solid var(--accent) !important; outline-offset: -2px !important; }
    :focus:not(:focus-visible) { outline: none !important; }
  `)

  const labelOf = (/** @type {HTMLElement} */ one) =>
    one.getAttribute("aria-label") ?? one.textContent ?? ""

  /**
   * Give the focus back if what had it was drawn again or went away.
   * @param {Map<string, HTMLElement[]>} found
   */
  function restore(found) {
    if (last == null || deep.isSeen(last.element)) return
    const { group, place, label } = last
    last = null
    if ((deep.focused() ?? document.body) !== document.body) return
    const items = found.get(group) ?? []
    const again =
      items.find((one) => labelOf(one) === label) ?? items[Math.min(place, items.length - 1)]
    ;(plot(group, place) ?? again ?? page.querySelector("[data-stop=brush] summary"))?.focus()
  }

  /**
   * What a panel shows now in place of its plot, gallery or table that had the focus.
   * @param {string} group
   * @param {number} place -1 of what is a stop of its own
   */
  function plot(group, place) {
    const panel = document.querySelector(`.hb-panel[data-name="${group}"]`)
    if (panel == null || place >= 0) return null
    const isStop = (/** @type {HTMLElement} */ one) => one.matches(OWN) && one.tabIndex === 0
    return deep.within(panel).find((one) => isStop(one) && deep.isSeen(one)) ?? null
  }

  /**
   * Remember what is in focus: it is the stop of its group from now on.
   * @param {HTMLElement} element
   */
  function remember(element) {
    const name = groupOf(element)
    const items = groups().get(name) ?? []
    last = { element, group: name, place: items.indexOf(element), label: labelOf(element) }
    if (!items.includes(element)) return
    current.set(name, element)
    show(name, items)
  }

  /**
   * A text field keeps the arrows that move within its text.
   * @param {HTMLElement} target
   * @param {string} key
   */
  function isWithinText(target, key) {
    if (!target.matches(TEXT)) return false
    const { selectionStart, value } = /** @type {HTMLInputElement} */ (target)
    return key.endsWith("Left") ? selectionStart !== 0 : selectionStart !== value.length
  }

  /** @param {KeyboardEvent} event */
  function step(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || isByPointer) return
    const target = /** @type {HTMLElement} */ (event.composedPath()[0])
    const { key } = event
    if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(key) || !isItem(target)) return
    const items = groups().get(groupOf(target)) ?? []
    const at = items.indexOf(target)
    if (at < 0 || isWithinText(target, key)) return
    event.preventDefault()
    event.stopPropagation()
    const by = key === "ArrowLeft" ? -1 : 1
    const next = key === "Home" ? 0 : key === "End" ? items.length - 1 : at + by
    const item = items[(next + items.length) % items.length]
    item.focus()
    remember(item) // an event within one shadow root does not leave it
  }

  /** A key on what Bokeh draws as a button, but does not press by Space. @param {KeyboardEvent} event */
  function press(event) {
    const target = /** @type {HTMLElement} */ (event.composedPath()[0])
    if (event.key !== "Enter" && event.key !== " ") return
    isByPointer = false
    if (event.key === " " && target.classList?.contains("bk-tool-overflow")) target.click()
  }

  function skip(/** @type {Event} */ event) {
    event.preventDefault()
    /** @type {NodeListOf<HTMLElement>} */
    const panels = document.querySelectorAll(".hb-panel")
    const first = [...panels].find((panel) => deep.isSeen(panel))
    first?.focus()
  }

  page.addEventListener("focusin", (event) =>
    remember(/** @type {HTMLElement} */ (event.composedPath()[0])),
  )
  page.addEventListener("keydown", step)
  page.addEventListener("keydown", press)
  for (const [name, isPointer] of /** @type {[string, boolean][]} */ ([
    ["pointerdown", true],
    ["keydown", false],
  ])) {
    addEventListener(
      name,
      (event) => {
        const isTab = event instanceof KeyboardEvent && event.key === "Tab"
        if (isPointer) isByPointer = true
        else if (isTab) isByPointer = false
      },
      { capture: true, passive: true },
    )
  }
  headbrush.ready.element("skip").addEventListener("click", skip)
  headbrush.ready.whenDrawn(refresh)
  return { isByPointer: () => isByPointer, refresh }
})()
