// Ticks of an axis of tokens: the prefix tokens, and rows of patches, or single patches where few are
// shown. Bokeh calls functions of ticks by their body only, so Python adds the call.
function tokenTicks({ prefix, wide, rows, columns }, { start, end }) {
  const [from, to] = [Math.min(start, end), Math.max(start, end)]
  const first = prefix * wide
  const each = to - from > 2 * columns ? columns : 1
  const [most, least] = [7, (to - from) / 16] // marks, and the room that one needs
  const apart = [1, 2, 5, 10, 20, 50].find((step) => (to - from) / (step * each) <= most) ?? 100
  const marks = first > from && first / 2 < to && first > 0 ? [first / 2] : []
  for (let at = 0; at < (rows * columns) / each; at += apart) {
    const place = first + (at + 0.5) * each
    const isApart = marks.length === 0 || place - marks[marks.length - 1] > least
    if (place > from && place < to && isApart) marks.push(place)
  }
  return marks
}

function tokenTick({ prefix, wide, columns, has_class }, tick, ticks) {
  const first = prefix * wide
  if (tick < first) return has_class && prefix === 1 ? "CLS" : "prefix"
  const patch = Math.floor(tick - first)
  const row = Math.floor(patch / columns)
  const patches = ticks.filter((one) => one > first)
  const isOfRows = patches.length < 2 || patches[1] - patches[0] >= columns
  return isOfRows ? `${row}` : `${row},${patch % columns}`
}
