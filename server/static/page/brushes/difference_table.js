// B1 as a table of two compared brushes. Headers sort, a row selects its head; the arrow keys go from
// row to row. Names are text, never HTML.
;(() => {
  /** @typedef {(number | null)[]} Row first, second, difference, low, high, p, adjusted */
  /** @typedef {{names: string[], colours: string[], counts: number[], both: number, metric: string, labels: string[], rows: Row[]}} Told */
  const { numbers, ready } = headbrush
  const { model } = ready
  const DIFFERENCE = 2
  const ADJUSTED = 6
  const LEVEL = 0.05 // a head differs where its adjusted p is at most this
  const body = document.querySelector("[data-name=head_importance] .hb-body")
  if (body == null) return
  const table = document.createElement("div")
  table.className = "hb-difference"
  table.hidden = true
  /** @type {Told | null} */
  let told = null
  let sorted = { column: DIFFERENCE, isUp: false }

  const ask = (/** @type {unknown[]} */ ...words) => ready.ask("brush_asked", ...words)

  /**
   * @param {string} tag
   * @param {string} text
   */
  function made(tag, text) {
    return Object.assign(document.createElement(tag), { textContent: text })
  }

  const minus = (/** @type {string} */ text) => text.replace(/^-/, "−")
  const word = (/** @type {number | null} */ value) =>
    value == null ? "–" : minus(String(numbers.rounded(value)))
  /** @param {number | null} value */
  function short(value) {
    const two = Number((value ?? 0).toPrecision(2))
    return minus(Math.abs(two) < 0.001 && two !== 0 ? two.toExponential() : String(two))
  }
  const small = (/** @type {number | null} */ value) =>
    value != null && value < 0.001 ? "< 0.001" : word(value)

  /** Column -1 is the head's number; of differences the size counts, what is undefined is last. */
  function order() {
    const { rows } = /** @type {Told} */ (told)
    const { column, isUp } = sorted
    const keys = rows.map((row, number) => {
      const value = column < 0 ? number : row[column]
      if (value == null) return Number.NEGATIVE_INFINITY
      return (isUp ? -1 : 1) * (column === DIFFERENCE ? Math.abs(value) : value)
    })
    return rows.map((_, number) => number).sort((a, b) => keys[b] - keys[a] || a - b)
  }

  /**
   * @param {string} title
   * @param {number} column
   * @param {string} about
   */
  function header(title, column, about) {
    const cell = Object.assign(made("th", ""), { scope: "col" })
    const button = Object.assign(made("button", title), { type: "button", title: about })
    button.dataset.sort = String(column)
    cell.append(button)
    if (sorted.column === column) cell.ariaSort = sorted.isUp ? "ascending" : "descending"
    button.addEventListener("click", () => {
      const isUp = sorted.column === column ? !sorted.isUp : column < 0 || column > 4
      sorted = { column, isUp }
      draw()
      /** @type {HTMLElement | null} */
      const again = table.querySelector(`[data-sort="${column}"]`)
      again?.focus()
    })
    return cell
  }

  /** @param {number} number */
  function headRow(number) {
    const { labels, rows } = /** @type {Told} */ (told)
    const [first, second, difference, low, high, p, adjusted] = rows[number]
    const row = made("tr", "")
    row.dataset.head = String(number)
    const button = Object.assign(made("button", labels[number]), { type: "button", tabIndex: -1 })
    const name = Object.assign(made("th", ""), { scope: "row" })
    name.append(button)
    const interval = low == null ? "–" : `${short(low)} to ${short(high)}`
    const cells = [word(first), word(second), word(difference), interval, small(p), small(adjusted)]
    row.append(name, ...cells.map((text) => made("td", text)))
    row.addEventListener("click", () => ask("head", number))
    return row
  }

  function draw() {
    if (told == null) return
    const { names, counts, metric, both } = told
    const titles = made("tr", "")
    titles.append(
      header("head", -1, "in the order of the layers"),
      ...names.map((name, at) => header(name, at, `${name}: mean of ${counts[at]} images`)),
      header("difference", DIFFERENCE, "first − second, by size"),
      header("95 %", 3, "interval of the difference"),
      header("p", 5, "Welch's t test"),
      header("p adj.", 6, "after Benjamini and Hochberg, over all heads"),
    )
    const top = made("thead", "")
    top.append(titles)
    const rows = made("tbody", "")
    rows.append(...order().map(headRow))
    const whole = Object.assign(made("table", ""), { ariaLabel: `${names[0]} and ${names[1]}` })
    whole.append(top, rows)
    const shared = both ? ` ${both} images are in both, so p is approximate.` : ""
    const sure = told.rows.filter((row) => row[ADJUSTED] != null && row[ADJUSTED] <= LEVEL).length
    const differ = sure === 1 ? "1 head differs" : `${sure || "no"} heads differ`
    const how = `p adj. ≤ ${LEVEL} (Welch's t, Benjamini–Hochberg over heads)`
    const text = `${metric}; n = ${counts[0]} and ${counts[1]}; ${differ} at ${how}.${shared} `
    const note = made("p", text)
    const save = Object.assign(made("button", "CSV"), { type: "button" })
    save.addEventListener("click", () => ask("export", "differences"))
    note.append(save)
    table.replaceChildren(note, whole)
    mark()
  }

  /** Mark the selected head; only its row is a stop of the Tab key. */
  function mark() {
    const [number] = model("difference_head").tags
    const rows = [...table.querySelectorAll("tbody tr")]
    for (const row of /** @type {HTMLElement[]} */ (rows)) {
      const isShown = row.dataset.head === String(number)
      row.ariaSelected = String(isShown)
      const button = row.querySelector("button")
      if (button != null) button.tabIndex = isShown ? 0 : -1
    }
  }

  table.addEventListener("keydown", (event) => {
    const row = /** @type {HTMLElement} */ (event.target).closest("tbody tr")
    if (row == null || !["ArrowUp", "ArrowDown"].includes(event.key)) return
    event.preventDefault()
    event.stopPropagation()
    const next = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling
    if (next == null) return
    next.querySelector("button")?.focus()
    ask("head", Number(/** @type {HTMLElement} */ (next).dataset.head))
  })

  function show() {
    ;[told = null] = model("differences").tags
    table.hidden = told == null
    body?.classList.toggle("hb-tabled", told != null)
    if (told == null) table.replaceChildren()
    else draw()
  }

  ready.whenShown(() => {
    if (model("head_importance").type === "Div") return // stands for a view that could not be built
    body.append(table)
    model("differences").properties.tags.change.connect(show)
    model("difference_head").properties.tags.change.connect(mark)
    show()
  })
})()
