// D2: the picture under the masks of the chosen token, CLS by default; called by Bokeh. `from` and
// `to` are Bokeh's sources of the masks, with the colour mappers `from_shade` and `to_shade`.
export default (args) => {
  const { source, tokens, own, note } = args
  const { matrix, notes } = headbrush
  const { code: codes } = source.data
  const { rows, columns } = tokens
  const hasMatrix = codes.length > 0
  const token = matrix.chosen(tokens) ?? (tokens.has_class ? 0 : null)

  const masks = hasMatrix ? matrix.masks(codes, tokens, token) : { from: [], to: [] }
  for (const side of ["from", "to"]) {
    const values = masks[side]
    const strongest = values.reduce((a, b) => Math.max(a, b), 0)
    args[`${side}_shade`].setv({ high: strongest || 1 }, { sync: false })
    const image = hasMatrix ? [matrix.shaped(values, rows, columns)] : []
    args[side].setv({ data: { image } }, { sync: false, check_eq: false })
  }

  const place = token == null || !hasMatrix ? null : matrix.place(tokens, token)
  const outline = place == null ? { x: [], y: [] } : { x: [place[0] + 0.5], y: [place[1] + 0.5] }
  own.setv({ data: outline }, { sync: false, check_eq: false })

  const titles = titlesOf(matrix, tokens, token)
  for (const side of ["plain", "from", "to"]) {
    notes.say(args[`${side}_title`], hasMatrix ? titles[side] : "")
  }
  note.setv({ visible: !hasMatrix }, { sync: false })
  notes.say(note, tokens.message)
}

function titlesOf(matrix, tokens, token) {
  if (token == null) {
    return {
      plain: "mean over tokens (no CLS)",
      from: "attend to the average token",
      to: "where tokens look on average",
    }
  }
  const name = matrix.name(tokens, token)
  const pinned = tokens.token != null ? ", pinned" : ""
  return {
    plain: `token: ${name}${tokens.hovered != null ? "" : pinned}`,
    from: "who attends to it",
    to: "where it looks",
  }
}
