// B1, C1, C2 and G3: left and right go from point to point in the order in which they are drawn: heads, hops,
// or cells of the table of names. Enter selects the head or brushes the cell's heads, Space adds them
// to the brush or takes them away.
;(() => {
  const { numbers, places, plotKeys, ready } = headbrush
  /** @typedef {{x: number, y: number, words: string, ids: number[]}} Point */
  /** @type {{view: any, at: number} | null} */
  let now = null

  /** Columns of what is drawn, by the plot's name: across, up, and what a point is called. */
  const COLUMNS = {
    importance_plot: ["place", "value", "label"],
    overview_plot: ["layer_jitter", "entropy", "label"],
    head_counts: ["layer", "brushed", "label"],
    bits_plot: ["fixed", "content", "label"],
    name_table: ["x", "row", "name"],
    difference_plot: ["x", "difference", "label"],
    speaking_plot: ["value", "row", "label"],
    strength_vector: ["hop", "strength", "hop"],
  }

  /** @param {any} view */
  const columnsOf = (view) =>
    COLUMNS[/** @type {keyof typeof COLUMNS} */ (view.model.name.replace(/^[ab]_/, ""))]

  /** @param {any} source @param {string} name */
  const column = (source, name) => Array.from(source.get_column(name) ?? [])

  /** @param {any} view @returns {Point[]} in the order of the plot */
  function points(view) {
    const names = columnsOf(view)
    const sources = view.model.renderers.map((/** @type {any} */ one) => one.data_source)
    const source = sources.find((/** @type {any} */ one) =>
      names.every((name) => one?.get_column(name) != null),
    )
    if (source == null) return []
    const [xs, values, labels] = names.map((name) => column(source, name))
    const [ids, heads, cellNames] = ["ids", "head", "heads"].map((name) => column(source, name))
    return xs
      .map((x, at) => ({
        x,
        y: names[1] === "brushed" ? heads[at] : values[at],
        ids: ids.length > 0 ? Array.from(ids[at]) : names[2] === "hop" ? [] : [at],
        words:
          ids.length > 0
            ? `${labels[at]}: ${cellNames[at]}`
            : `${names[2] === "hop" ? "hop " : ""}${labels[at]}: ${numbers.rounded(values[at])}`,
      }))
      .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
      .sort((a, b) => a.x - b.x || a.y - b.y)
  }

  /**
   * The point of the selected head, where the keys begin; else the first.
   * @param {any} view
   * @param {Point[]} all
   */
  function begin(view, all) {
    const { center, renderers } = view.model
    const line = center.find((/** @type {any} */ one) => one.name?.endsWith("_cursor"))
    if (line != null)
      return Math.max(
        0,
        all.findIndex(({ x }) => x === line.location),
      )
    const sources = renderers.map((/** @type {any} */ one) => one.data_source)
    const ring = sources.find((/** @type {any} */ one) => one?.name?.endsWith("_ring"))
    if (ring == null) return 0
    const [x] = column(ring, "x").concat(column(ring, "layer"))
    const [y] = column(ring, "y").concat(column(ring, "row"))
    const distance = all.map((one) => Math.hypot(one.x - x, one.y - y))
    return Math.max(0, distance.indexOf(Math.min(...distance)))
  }

  const draw = plotKeys.cursor("hb-cursor hb-round", () => {
    const one = now == null ? null : points(now.view)[now.at]
    if (now == null || one == null) return null
    const [left, top] = places.pixel(now.view, one.x, one.y)
    return { left, top }
  })

  const KEYS = ["ArrowLeft", "ArrowRight", "Home", "End", "Enter", " "]

  /**
   * @param {KeyboardEvent} event
   * @param {any} view
   */
  function press({ key }, view) {
    if (!KEYS.includes(key)) return false
    const all = points(view)
    if (all.length === 0) return false
    const last = all.length - 1
    const before = now?.view === view ? Math.min(now?.at ?? 0, last) : begin(view, all)
    const steps = { ArrowLeft: before - 1, ArrowRight: before + 1, Home: 0, End: last }
    const at = steps[/** @type {keyof typeof steps} */ (key)] ?? before
    now = { view, at: (at + all.length) % all.length }
    draw()
    const { ids, words } = all[now.at]
    plotKeys.say(words)
    if (key === "Enter" || key === " ") act(view, key, ids)
    return true
  }

  /**
   * @param {any} view
   * @param {string} key
   * @param {number[]} ids
   */
  function act(view, key, ids) {
    if (ids.length === 0) return
    const selects = view.model.name.endsWith("name_table") ? "heads" : "head"
    ready.ask("plot_asked", key === " " ? "toggle" : selects, view.model.name, ids)
  }

  function drop() {
    const wasThere = now != null
    now = null
    draw()
    return wasThere
  }

  const heads = Object.keys(COLUMNS).filter((name) => name !== "strength_vector")
  plotKeys.add(heads, {
    about:
      "left and right go from head to head, Enter selects, Space adds to the brush or takes away, " +
      "Page Up and Down zoom",
    isBrush: true,
    drop,
    moved: draw,
    press,
  })
  plotKeys.add(["strength_vector"], {
    about: "left and right read hop by hop",
    isBrush: false,
    drop,
    moved: draw,
    press,
  })
})()
