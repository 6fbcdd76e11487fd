// The line of brushes: chips, named brushes, files out and in. Words of others are text, never HTML.
;(() => {
  /** @typedef {{name: string, colour: string, compared: boolean, words: string}} NamedBrush */
  const { ready } = headbrush
  const { element, model } = ready
  const NOTE_MS = 6000
  const MOST_BYTES = 4e6
  const MOST_NAMED = 12
  const chips = element("chips")
  const compared = element("compared")
  const list = element("named_list")
  /** @type {any} what the server said last: chips, named, note, store, images, created, keep */
  let state = {}

  const ask = (/** @type {unknown[]} */ ...words) => ready.ask("brush_asked", ...words)

  /**
   * @param {string} tag
   * @param {string | null} text
   * @param {object} attributes
   * @param {((event: any) => void) | null} act
   */
  function made(tag, text, attributes = {}, act = null) {
    const one = Object.assign(document.createElement(tag), attributes)
    if (text != null) one.textContent = text
    if (act != null) one.addEventListener(tag === "input" ? "change" : "click", act)
    return one
  }

  /** @param {string} colour */
  function dot(colour) {
    const mark = made("span", "●", { ariaHidden: "true" })
    mark.style.color = colour
    return mark
  }

  /** @param {string[]} words */
  function showChips(words) {
    const focused = [...chips.querySelectorAll("button")].indexOf(document.activeElement)
    const shown = words.map((word, index) => {
      const chip = made("span", word, { className: "hb-chip" })
      const label = `Remove ${word}`
      const look = { type: "button", ariaLabel: label, title: label }
      chip.append(made("button", "×", look, () => ask("drop", index)))
      return chip
    })
    chips.replaceChildren(...shown)
    const buttons = chips.querySelectorAll("button")
    if (focused >= 0) (buttons[Math.min(focused, buttons.length - 1)] ?? element("named")).focus()
    chips.classList.toggle("hb-empty", words.length === 0)
    element("named_save").querySelector("button").disabled = words.length === 0
    element("brush_name").placeholder = words.length ? "name of the brush" : "brush something first"
  }

  /**
   * @param {NamedBrush} brush
   * @param {number} index
   */
  function namedRow(brush, index) {
    const row = made("li", null)
    const button = (/** @type {string} */ text, /** @type {string} */ act, look = {}) =>
      made("button", text, { type: "button", ...look }, () => ask(act, index))
    const colour = { type: "color", value: brush.colour, ariaLabel: `Colour of ${brush.name}` }
    const field = { type: "text", value: brush.name, maxLength: 40, title: brush.words }
    row.append(
      made("input", null, colour, (event) => ask("recolour", index, event.target.value)),
      made("input", null, { ...field, ariaLabel: `Name of ${brush.name}` }, (event) => {
        const { value } = event.target
        event.target.value = brush.name // until the server has agreed
        ask("rename", index, value)
      }),
      button(brush.compared ? "compared" : "compare", "compare", {
        ariaPressed: String(brush.compared),
        title: brush.words,
      }),
      button("apply", "apply", { ariaLabel: `apply ${brush.name}: brush it again` }),
      button("×", "delete", { ariaLabel: `Delete ${brush.name}` }),
    )
    return row
  }

  /**
   * @param {NamedBrush} brush
   * @param {number} index
   */
  function comparedName(brush, index) {
    const pair = made("span", null, { className: "hb-chip" })
    const name = made("span", null, { className: "hb-name", title: brush.words })
    name.append(dot(brush.colour), ` ${brush.name}`)
    const label = `Stop comparing ${brush.name}`
    const look = { type: "button", ariaLabel: label, title: label }
    pair.append(
      name,
      made("button", "×", look, () => ask("compare", index)),
    )
    return pair
  }

  /** @param {NamedBrush[]} named */
  function showNamed(named) {
    const focused = [...list.querySelectorAll("button, input")].indexOf(document.activeElement)
    list.replaceChildren(...named.map(namedRow))
    if (focused >= 0) list.querySelectorAll("button, input")[focused]?.focus() // it may be gone
    element("named_count").textContent = named.length ? ` (${named.length})` : ""
    const pressed = [...compared.querySelectorAll("button")].indexOf(document.activeElement)
    const names = named.map((brush, index) => (brush.compared ? comparedName(brush, index) : null))
    compared.replaceChildren(...names.filter((name) => name != null))
    if (pressed >= 0) (compared.querySelector("button") ?? element("named")).focus()
  }

  const stem = () => `headbrush_brushes ${state.store} `
  const storage = () => stem() + state.images

  /** Headbrush 0.1 kept brushes by the time of the analysis: this store's are kept by its images. */
  function moveOld() {
    const old = stem() + state.created
    const kept = localStorage.getItem(old)
    if (kept == null) return
    if (localStorage.getItem(storage()) == null) localStorage.setItem(storage(), kept)
    localStorage.removeItem(old)
  }

  /** Keys of brushes that were saved for other images of a store with this name. */
  function others() {
    const isOther = (/** @type {string} */ key) =>
      key.startsWith(stem()) && key !== storage() && !key.slice(stem().length).includes(" ")
    return Object.keys(localStorage).filter(isOther)
  }

  /** @param {string} key */
  function countAt(key) {
    try {
      return Math.min(JSON.parse(localStorage.getItem(key) ?? "[]").length || 0, MOST_NAMED)
    } catch {
      return 0
    }
  }

  /** Says how many named brushes are not shown, as they mark other images. */
  function showOthers() {
    const count = others().reduce((sum, key) => sum + countAt(key), 0)
    const line = element("named_others")
    const words =
      count === 1
        ? "1 named brush belongs to other images of this store and is not shown."
        : `${count} named brushes belong to other images of this store and are not shown.`
    line.hidden = count === 0
    line.firstElementChild.textContent = words
    if (count) say(words)
  }

  function forgetOthers() {
    for (const key of others()) localStorage.removeItem(key)
    element("named_others").hidden = true
    element("named").focus()
  }

  function show() {
    const before = state
    state = model("brush_bar").tags[0]
    const isSame = (/** @type {string} */ part) =>
      JSON.stringify(before[part]) === JSON.stringify(state[part])
    if (!isSame("chips")) showChips(state.chips)
    if (!isSame("named")) showNamed(state.named)
    if (!isSame("note")) say(state.note[0], state.note[2])
    if (state.keep == null) return
    try {
      localStorage.setItem(storage(), state.keep)
    } catch {
      say("this browser does not save brushes", true)
    }
  }

  /** @type {ReturnType<typeof setTimeout>} */
  let until
  /**
   * Words go by themselves, but those of a fault stay until the next.
   * @param {string} words
   */
  function say(words, stays = false) {
    const note = element("brush_said")
    note.textContent = note.title = words
    clearTimeout(until)
    if (stays) return
    until = setTimeout(() => {
      note.textContent = note.title = ""
    }, NOTE_MS)
  }

  function restore() {
    try {
      moveOld()
      showOthers()
      const kept = localStorage.getItem(storage())
      if (kept != null) ask("restore", kept)
    } catch {
      // Storage is blocked: nothing is kept
    }
  }

  /** @param {any} event */
  function upload(event) {
    const [file] = event.target.files
    event.target.value = ""
    if (file == null) return
    if (file.size > MOST_BYTES) {
      say("The list is larger than 4 MB.", true)
      return
    }
    const reader = new FileReader()
    reader.onload = () => {
      const text = String(reader.result) // as a data URL
      ask("names", text.slice(text.indexOf(",") + 1))
    }
    reader.onerror = () => say("The list could not be read.", true)
    reader.readAsDataURL(file)
  }

  /** The server brushes patterns, so it is sent the entries of Bokeh's own menus. */
  function followMenus() {
    if (model("pattern_layout").type === "Div") return // stands for a view that could not be built
    for (const tool of model("patterns_plot").toolbar.tools) {
      tool.invert?.connect(() => ask("invert")) // only tools that select have these
      tool.clear?.connect(() => ask("clear"))
    }
  }

  element("named_save").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault()
    const field = element("brush_name")
    ask("save", field.value)
    field.value = ""
  })
  /** @type {NodeListOf<HTMLElement>} */
  const exports = document.querySelectorAll("[data-export]")
  for (const button of exports) {
    button.addEventListener("click", () => {
      const menu = /** @type {HTMLDetailsElement} */ (button.closest("details"))
      menu.open = false
      ask("export", button.dataset.export)
    })
  }
  element("named_others").querySelector("button")?.addEventListener("click", forgetOthers)
  element("save_report").addEventListener("click", () => ask("report"))
  element("names_file").addEventListener("change", upload)
  element("load_names").addEventListener("click", () => element("names_file").click())
  /** @type {NodeListOf<HTMLDetailsElement>} */
  const menus = document.querySelectorAll(".hb-brushes details")
  for (const menu of menus) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return
      event.stopPropagation()
      menu.open = false
      menu.querySelector("summary")?.focus()
    })
  }

  ready.whenShown(() => {
    model("brush_bar").properties.tags.change.connect(show)
    followMenus()
    show()
    restore()
    addEventListener("storage", (event) => {
      if (event.key === storage() && event.newValue != null) ask("restore", event.newValue)
    })
  })
})()
