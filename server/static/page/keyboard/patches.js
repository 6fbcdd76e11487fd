// G1: arrows move a frame over the patches and say their values, Enter pins the patch.
;(() => {
  const { matrix, numbers, places, plotKeys, ready } = headbrush
  /** @type {{view: any, at: number} | null} */
  let now = null

  /** @returns {Tokens} */
  const tokensOf = () => ready.model("tokens")

  const draw = plotKeys.cursor("hb-cursor", () => {
    if (now == null) return null
    const { columns } = tokensOf()
    const [x, y] = [now.at % columns, Math.floor(now.at / columns)]
    const [left, top] = places.pixel(now.view, x, y)
    const [right, bottom] = places.pixel(now.view, x + 1, y + 1)
    return { left, top, width: right - left, height: bottom - top }
  })

  /**
   * The patch and its value, if the map is there.
   * @param {any} view
   * @param {number} at
   */
  function words(view, at) {
    const tokens = tokensOf()
    const name = matrix.describe(tokens, tokens.prefix + at)
    const { center, renderers } = view.model
    const sources = [...renderers, ...center].map((/** @type {any} */ one) => one.data_source)
    const map = sources.find((/** @type {any} */ one) => one?.name === "explained_plot_values")
    const [values] = map?.data.image ?? []
    return values?.length === tokens.rows * tokens.columns
      ? `${name}: ${numbers.rounded(values[at])}`
      : name
  }

  /**
   * @param {KeyboardEvent} event
   * @param {any} view
   */
  function press({ key }, view) {
    const { columns, prefix, rows } = tokensOf()
    const count = rows * columns
    const before = now?.view === view ? (now?.at ?? 0) : null
    if (key === "Enter" && before != null) {
      ready.ask("asked", "patch", prefix + before)
      return true
    }
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }
    const by = steps[/** @type {keyof typeof steps} */ (key)]
    const ends = { Home: 0, End: count - 1 }
    const end = ends[/** @type {keyof typeof ends} */ (key)]
    if (by == null && end == null) return false
    const next = end ?? (before == null ? 0 : before + by)
    const at = next < 0 || next >= count ? (before ?? 0) : next
    now = { view, at }
    draw()
    plotKeys.say(words(view, at))
    return true
  }

  function drop() {
    const wasThere = now != null
    now = null
    draw()
    return wasThere
  }

  plotKeys.add(["explained_plot"], {
    about: "arrows move over the patches and tell their values, Enter pins one",
    isBrush: false,
    drop,
    moved: draw,
    press,
  })
})()
