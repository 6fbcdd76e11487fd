// The menu with the parts of the brush: a bar for each, against what its share of all would give; a
// click keeps only that part. The server counts while the menu is open.
;(() => {
  /** @typedef {{number: number, name: string, brushed: number, total: number, expected: number}} Part */
  /** @typedef {{kind: string, title: string, unit: string, parts: Part[], more: number}} Group */
  const { numbers, ready } = headbrush
  const { element, model } = ready
  const menu = /** @type {HTMLDetailsElement} */ (element("composition"))
  const list = element("composition_list")

  const ask = (/** @type {unknown[]} */ ...words) => ready.ask("brush_asked", ...words)

  /**
   * @param {string} tag
   * @param {string} name of its style
   * @param {string} text
   */
  function made(tag, name, text = "") {
    return Object.assign(document.createElement(tag), { className: name, textContent: text })
  }

  /**
   * @param {Group} group
   * @param {Part} part
   * @param {number} most
   */
  function partRow({ kind, unit }, part, most) {
    const row = /** @type {HTMLButtonElement} */ (made("button", "hb-part"))
    row.type = "button"
    row.dataset.part = `${kind} ${part.number}`
    const count = `${numbers.grouped(part.brushed)} of ${numbers.grouped(part.total)}`
    const expected = numbers.grouped(Math.round(part.expected))
    row.title = `${part.name}: ${count} ${unit} brushed, ${expected} expected by its share of all; click to keep only these`
    const track = made("span", "hb-track")
    const bar = made("span", "hb-bar-of")
    const tick = made("span", "hb-expected")
    bar.style.width = `${(100 * part.brushed) / most}%`
    tick.style.left = `${(100 * part.expected) / most}%`
    track.append(bar, tick)
    row.append(made("span", "hb-part-name", part.name), track, made("span", "hb-quiet", count))
    row.addEventListener("click", () => ask("part", kind, part.number))
    return row
  }

  /** @param {Group} group */
  function section(group) {
    const most = Math.max(1, ...group.parts.map((one) => Math.max(one.brushed, one.expected)))
    const part = made("section", "")
    part.append(made("h2", "", `${group.title}, ${group.unit}`))
    part.append(...group.parts.map((one) => partRow(group, one, most)))
    if (group.more > 0) part.append(made("p", "", `and ${group.more} more`))
    return part
  }

  function show() {
    /** @type {Group[]} */
    const groups = model("composition").tags
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.part
    const nothing = made("p", "", "Nothing is brushed.")
    list.replaceChildren(...(groups.length ? groups.map(section) : [nothing]))
    if (focused != null) {
      const again = list.querySelector(`[data-part="${focused}"]`)
      ;(again ?? menu.querySelector("summary")).focus()
    }
  }

  menu.addEventListener("toggle", () => ask("composition", menu.open))
  /** @type {NodeListOf<HTMLElement>} */
  const splits = document.querySelectorAll("[data-split]") // also in the menu of named brushes
  for (const button of splits) {
    button.addEventListener("click", () => {
      const own = /** @type {HTMLDetailsElement} */ (button.closest("details"))
      own.open = false
      ask("split", button.dataset.split)
    })
  }
  ready.whenShown(() => model("composition").properties.tags.change.connect(show))
})()
