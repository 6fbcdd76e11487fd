// Figures for a paper: the server draws what the page shows, and the browser saves the file.
;(() => {
  const SHOWN_MS = 8000
  const EDGE = 4
  const TYPES = { pdf: "application/pdf", svg: "image/svg+xml", png: "image/png" }
  const { ask: askServer, element, model, whenShown } = headbrush.ready
  /** @type {ReturnType<typeof setTimeout>} */
  let until

  /** @param {MouseEvent} event */
  function ask(event) {
    const button = /** @type {HTMLElement} */ (event.currentTarget)
    const menu = /** @type {HTMLDetailsElement} */ (button.closest("details"))
    menu.open = false
    const { panel, width, figure } = button.dataset
    askServer("figure_asked", panel, width, figure)
  }

  /**
   * Keep an open menu on the screen: beside its panel if that is narrow, above its button if there
   * is no room below.
   * @param {Event} event
   */
  function place(event) {
    const menu = /** @type {HTMLDetailsElement} */ (event.target)
    const list = /** @type {HTMLElement | null} */ (menu.querySelector(".hb-figures"))
    if (!menu.open || list == null) return
    list.style.transform = ""
    const at = list.getBoundingClientRect()
    const across = Math.max(0, EDGE - at.left) || Math.min(0, innerWidth - EDGE - at.right)
    const button = /** @type {Element} */ (menu.querySelector("summary")).getBoundingClientRect()
    const below = button.bottom + EDGE - at.top
    const isAbove = at.bottom + below > innerHeight - EDGE && button.top > at.height + EDGE
    const down = isAbove ? button.top - EDGE - at.bottom : below
    list.style.transform = `translate(${across}px, ${down}px)`
  }

  /** @param {string} words */
  function say(words) {
    const note = element("said")
    note.textContent = note.title = words
    clearTimeout(until)
    until = setTimeout(() => {
      note.textContent = note.title = ""
    }, SHOWN_MS)
  }

  async function show() {
    const [words, , name, packed] = model("figure_told").tags
    if (name != null) {
      const ending = /** @type {keyof typeof TYPES} */ (name.split(".").at(-1))
      headbrush.files.download(name, await headbrush.files.gunzip(packed, TYPES[ending]))
    }
    say(words)
  }

  /** @type {NodeListOf<HTMLElement>} */
  const buttons = document.querySelectorAll("[data-figure]")
  for (const button of buttons) button.addEventListener("click", ask)
  for (const menu of document.querySelectorAll(".hb-save")) {
    menu.addEventListener("toggle", place)
  }
  whenShown(() => model("figure_told").properties.tags.change.connect(show))
})()
