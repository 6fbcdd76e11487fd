// What Python has painted for light paper is painted again for dark paper, and back; paper itself is
// light. `headbrush.colours` pairs the colours of both, from light to dark.
;(() => {
  const { colours, theme } = headbrush
  const back = Object.fromEntries(Object.entries(colours).map(([light, dark]) => [dark, light]))

  /**
   * A colour, a list of them or the HTML of a legend in the other theme; null if it stays.
   * @param {any} value
   * @param {Record<string, string>} table
   * @param {boolean} isLegend
   */
  function other(value, table, isLegend) {
    if (typeof value === "string") {
      if (!isLegend) return table[value] ?? null
      const changed = value.replace(/#[0-9a-f]{6}\b/g, (colour) => table[colour] ?? colour)
      return changed === value ? null : changed
    }
    if (!Array.isArray(value) || !value.some((one) => one in table)) return null
    return value.map((one) => table[one] ?? one)
  }

  /**
   * @param {BokehModel} model
   * @param {Record<string, string>} table
   */
  function recolour(model, table) {
    for (const property of model) {
      if (property.is_unset) continue
      const { attr } = property
      const value = property.get_value()
      const isSpec = typeof value?.value === "string"
      const isLegend = model.type === "Div" && attr === "text"
      const changed = other(isSpec ? value.value : value, table, isLegend)
      if (changed == null) continue
      model.setv({ [attr]: isSpec ? { ...value, value: changed } : changed })
    }
  }

  /**
   * A picture whose places stay has a palette for either theme.
   * @param {BokehModel} mapper
   */
  function swapPalettes(mapper) {
    const [shown, kept] = [mapper.palette, mapper.tags[0]]
    mapper.tags = [shown]
    mapper.palette = kept
  }

  let isDark = false // as it is painted
  function follow() {
    if (isDark === (theme.now() === "dark")) return
    isDark = !isDark
    for (const model of Bokeh.documents.flatMap((shown) => [...shown.all_models])) {
      if (model.name === "two_palettes") swapPalettes(model)
      else if (!model.type.endsWith("DataSource")) recolour(model, isDark ? colours : back)
    }
    headbrush.patterns.repaint()
  }

  document.addEventListener("headbrush_theme", follow)
  headbrush.ready.element("theme").addEventListener("click", theme.toggle)
  headbrush.ready.whenDrawn(theme.show)
})()
