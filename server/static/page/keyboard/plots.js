// Keys within a plot that has the focus by the keyboard. A kind of keys is told which plots are its own;
// all of them leave with Escape what they have begun, zoom with Page Up and Page Down, and show all
// with 0. A line over the panel's title says what the keys do, and then where they are.
headbrush.plotKeys = (() => {
  const { deep, places, ready } = headbrush
  const ZOOM = { PageUp: -1, PageDown: 1 }
  const NOTCH = 240 // of a wheel, about a third nearer or farther
  const SPOKEN_MS = 150
  /** @type {Map<string, PlotKeys>} */
  const kinds = new Map()
  const strip = document.createElement("p")
  const [shown, about] = [document.createElement("b"), document.createElement("span")]
  strip.className = "hb-strip"
  strip.ariaHidden = "true" // `spoken` tells the same
  strip.append(shown, about)
  /** @type {ReturnType<typeof setTimeout>} */
  let due

  /**
   * The name of a plot without the side of a page of two stores.
   * @param {string | null} name
   */
  const plain = (name) => (name ?? "").replace(/^[ab]_(?=\w+_)/, "")
  const has = (/** @type {string | null} */ name) => kinds.has(plain(name))

  /**
   * @param {string[]} plots
   * @param {PlotKeys} keys
   */
  function add(plots, keys) {
    for (const name of plots) kinds.set(name, keys)
  }

  /**
   * A frame over a plot, a ring where it has no width; hidden while nothing is framed.
   * @param {string} look
   * @param {() => Record<string, number> | null} place left and top, perhaps width and height
   * @returns draws it where it is now
   */
  function cursor(look, place) {
    const frame = document.createElement("div")
    frame.className = look
    frame.hidden = true
    function draw() {
      const at = place()
      frame.hidden = at == null
      if (at == null) return
      if (!frame.isConnected) document.body.append(frame)
      for (const [edge, value] of Object.entries(at)) frame.style.setProperty(edge, `${value}px`)
    }
    addEventListener("scroll", draw, { capture: true, passive: true })
    addEventListener("resize", draw)
    return draw
  }

  /** What is brushed, for plots in which keys brush. @param {string | null} name */
  function more(name) {
    const text = kinds.get(plain(name))?.isBrush && ready.isShown() && brushed()
    return text ? ` ${text}.` : ""
  }

  const brushed = () =>
    Bokeh.documents[0].get_model_by_name("brushed_text")?.text.replace(/^nothing .*/, "") ?? ""

  /** Show words over the title of the panel, and tell them once the keys rest. @param {string} words */
  function say(words) {
    shown.textContent = words
    clearTimeout(due)
    due = setTimeout(() => {
      ready.element("spoken").textContent = words
    }, SPOKEN_MS)
  }

  /** The plot in focus and its keys, null unless the focus came by the keyboard. */
  function active() {
    const canvas = deep.focused()
    if (canvas == null || headbrush.stops.isByPointer() || !canvas.matches(".bk-events"))
      return null
    const view = places.plotOf(canvas)
    const keys = kinds.get(plain(view?.model.name ?? null))
    return view == null || keys == null ? null : { canvas, view, keys }
  }

  /** @param {FocusEvent} event */
  function begin(event) {
    const found = active()
    if (found == null || event.composedPath()[0] !== found.canvas) return
    about.textContent = found.keys.about
    shown.textContent = ""
    deep.closest(found.canvas, ".hb-panel")?.append(strip)
    strip.hidden = false
  }

  /** @param {FocusEvent} event */
  function end(event) {
    const canvas = /** @type {HTMLElement} */ (event.composedPath()[0])
    if (!canvas.matches?.(".bk-events")) return
    strip.hidden = true
    clearTimeout(due)
    for (const keys of new Set(kinds.values())) keys.drop()
  }

  /**
   * As a wheel over the middle would.
   * @param {HTMLElement} canvas
   * @param {any} view
   * @param {number} by
   */
  function zoom(canvas, view, by) {
    const { left, top, width, height } = places.frame(view)
    const at = { clientX: left + width / 2, clientY: top + height / 2 }
    const look = { ...at, deltaY: by * NOTCH, bubbles: true, cancelable: true, composed: true }
    canvas.dispatchEvent(new WheelEvent("wheel", look))
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const found = active()
    if (found == null || event.altKey) return
    const { canvas, view, keys } = found
    const isTaken = act(event, canvas, view, keys)
    if (!isTaken) return
    event.preventDefault()
    event.stopPropagation()
  }

  /**
   * @param {KeyboardEvent} event
   * @param {HTMLElement} canvas
   * @param {any} view
   * @param {PlotKeys} keys
   */
  function act(event, canvas, view, keys) {
    const { key } = event
    if (key === "Escape") {
      if (!keys.drop()) return false
      say("")
      return true
    }
    const by = ZOOM[/** @type {keyof typeof ZOOM} */ (key)]
    if (by != null) zoom(canvas, view, by)
    else if (key === "0") places.showAll(view)
    else return keys.press(event, view)
    keys.moved?.(view)
    return true
  }

  const page = /** @type {HTMLElement} */ (document.querySelector(".hb-page, .hb-compare"))
  page.addEventListener("focusin", begin)
  page.addEventListener("focusout", end)
  page.addEventListener("keydown", press)
  return { add, cursor, has, more, say }
})()
