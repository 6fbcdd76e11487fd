// What Python has painted for light paper is painted anew for dark paper, and back; paper itself is
// light. `hbColours` pairs the colours of both, from light to dark.
(() => {
  const back = Object.fromEntries(Object.entries(hbColours).map(([light, dark]) => [dark, light]))
  const isDark = () => document.documentElement.dataset.theme == "dark"

  // A colour, a list of them or the HTML of a legend in the other theme; null if it stays
  function other(value, table, isLegend) {
    if (typeof value == "string") {
      if (!isLegend) return table[value] ?? null
      const changed = value.replace(/#[0-9a-f]{6}\b/g, (colour) => table[colour] ?? colour)
      return changed == value ? null : changed
    }
    if (!Array.isArray(value) || !value.some((one) => one in table)) return null
    return value.map((one) => table[one] ?? one)
  }

  function repaint(model, table) {
    for (const property of model) {
      if (property.is_unset) continue
      const { attr } = property, value = property.get_value()
      const spec = typeof value?.value == "string"
      const isLegend = model.type == "Div" && attr == "text"
      const changed = other(spec ? value.value : value, table, isLegend)
      if (changed != null) model.setv({ [attr]: spec ? { ...value, value: changed } : changed })
    }
  }

  // A picture whose places stay has a palette for either theme
  function swapPalettes(mapper) {
    const [shown, kept] = [mapper.palette, mapper.tags[0]]
    mapper.tags = [shown]
    mapper.palette = kept
  }

  let painted = false // whether dark
  function follow() {
    const models = (window.Bokeh?.documents ?? []).flatMap((one) => [...one._all_models.values()])
    if (painted == isDark()) return
    painted = isDark()
    for (const model of models) {
      if (model.name == "two_palettes") swapPalettes(model)
      else if (!model.type.endsWith("DataSource")) repaint(model, painted ? hbColours : back)
    }
    headbrushPatterns.repaint()
  }

  document.addEventListener("headbrush_theme", follow)
  document.getElementById("theme").addEventListener("click", hbTheme.toggle)

  function begin() {
    if (!window.Bokeh?.documents[0]?.is_idle) return setTimeout(begin, 30)
    hbTheme.show()
  }
  begin()
})()
