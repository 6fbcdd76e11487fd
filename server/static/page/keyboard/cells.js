// F1 and F2: arrows go from cell to cell of heads × classes, or from class to class. Enter does what a
// click does there.
;(() => {
  const { numbers, places, plotKeys } = headbrush
  /** @typedef {{column: number, row: number, x: number, words: string}} Cell */
  /** @type {{view: any, column: number, row: number} | null} */
  let now = null

  /** The source of a plot's cells, by the plot's name. */
  const SOURCES = { trend_plot: "trend_cells", consistency_plot: "consistency_rows" }

  /** @param {any} view @param {string} name */
  const source = (view, name) => {
    const sources = view.model.renderers.map((/** @type {any} */ one) => one.data_source)
    return sources.find((/** @type {any} */ one) => one?.name === name)
  }

  /** @param {any} view @returns {Cell[]} */
  function cells(view) {
    const name = /** @type {keyof typeof SOURCES} */ (view.model.name)
    const found = source(view, SOURCES[name])
    const column = (/** @type {string} */ of) => Array.from(found?.get_column(of) ?? [])
    const [rows, names] = [column("y"), column("class")]
    if (name === "trend_plot") {
      const [xs, heads, effects] = [column("x"), column("head"), column("g")]
      return xs.map((x, at) => {
        const words = `${names[at]}, ${heads[at]}: g ${numbers.rounded(effects[at])}`
        return { column: x, row: rows[at], x, words }
      })
    }
    const [within, between] = [column("within"), column("between")]
    return within.map((x, at) => {
      const [near, far] = [x, between[at]].map(numbers.rounded)
      return {
        column: 0,
        row: rows[at],
        x,
        words: `${names[at]}: ${near} within, ${far} to others`,
      }
    })
  }

  /** The column of the selected head, where the keys begin. @param {any} view */
  const selected = (view) => source(view, "trend_head")?.get_column("x")?.[0] ?? 0

  const here = () =>
    now == null
      ? null
      : (cells(now.view).find(({ column, row }) => column === now?.column && row === now.row) ??
        null)

  const draw = plotKeys.cursor("hb-cursor hb-round", () => {
    const cell = here()
    if (now == null || cell == null) return null
    const [left, top] = places.pixel(now.view, cell.x, cell.row)
    return { left, top }
  })

  /** Steps to the right and down. @type {Record<string, number[]>} */
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

  /**
   * @param {KeyboardEvent} event
   * @param {any} view
   */
  function press({ key }, view) {
    const step = STEPS[key]
    if (step == null && key !== "Enter") return false
    const all = cells(view)
    if (all.length === 0) return false
    if (now == null || now.view !== view || here() == null)
      now = { view, column: selected(view), row: 0 }
    else if (step != null) {
      const { column, row } = now
      const [columns, rows] = [all.map(({ column }) => column), all.map(({ row }) => row)]
      const within = (/** @type {number} */ at, /** @type {number[]} */ those) =>
        Math.min(Math.max(at, 0), Math.max(...those))
      now = {
        view,
        column: within(column + step[0], columns),
        row: within(row + step[1], rows),
      }
    }
    draw()
    const cell = here()
    if (cell == null) return true
    plotKeys.say(cell.words)
    if (key === "Enter") places.tap(view, cell.x, cell.row)
    return true
  }

  function drop() {
    const wasThere = now != null
    now = null
    draw()
    return wasThere
  }

  const keys = { isBrush: true, drop, moved: draw, press }
  plotKeys.add(["trend_plot"], {
    about: "arrows go over heads and classes, Enter selects the head and brushes the class",
    ...keys,
  })
  plotKeys.add(["consistency_plot"], {
    about: "up and down go from class to class, Enter brushes its images",
    ...keys,
  })
})()
