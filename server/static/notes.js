// Words that change with every move of the pointer: notes over the plots, and the box beside it.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.notes = (() => {
  /** @type {WeakMap<object, HTMLElement>} */
  const paragraphs = new WeakMap()

  /**
   * Put words into a Paragraph without the layout of the page that Bokeh makes for a new text.
   * @param {BokehModel} note
   * @param {string} text
   */
  function say(note, text) {
    if (!paragraphs.get(note)?.isConnected) {
      // None before the note is drawn: Bokeh then draws it with its text
      paragraphs.set(note, Bokeh.index.find_one(note)?.shadow_el.querySelector("p"))
    }
    const shown = paragraphs.get(note)
    if (shown != null) shown.textContent = text
    note.setv({ text }, { sync: false, silent: shown != null })
  }

  /** @type {HTMLElement | null} */
  let box = null
  let pointer = { clientX: 0, clientY: 0 }
  const follow = (/** @type {PointerEvent} */ event) => {
    pointer = event
    moveBox()
  }
  addEventListener("pointermove", follow, { capture: true, passive: true })

  /**
   * Show a box of words beside the pointer, null for none. Bokeh's own measures the page at each move.
   * @param {string | null} words
   * @param {[string, string][]} pictures titles and data URLs, drawn before the words
   */
  function tell(words, pictures = []) {
    if (box == null) {
      box = document.body.appendChild(document.createElement("div"))
      box.className = "hb-tip"
      moveBox()
    }
    box.hidden = words == null
    if (words == null) return
    box.classList.toggle("hb-pictured", pictures.length > 0)
    box.replaceChildren(...pictures.map(pictured), words)
  }

  /** @param {[string, string]} picture */
  function pictured([title, url]) {
    const drawn = document.createElement("img")
    drawn.src = url.startsWith("data:image/") ? url : ""
    const figure = document.createElement("figure")
    figure.append(drawn, title)
    return figure
  }

  function moveBox() {
    if (box == null) return
    const { clientX, clientY } = pointer
    const across = clientX > innerWidth / 2 ? "calc(-100% - 12px)" : "12px"
    const down = clientY > innerHeight / 2 ? "calc(-100% - 8px)" : "14px"
    box.style.transform = `translate(${clientX}px, ${clientY}px) translate(${across}, ${down})`
  }

  return { say, tell }
})()
