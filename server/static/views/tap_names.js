// C1's table of names: a tap brushes the heads of a cell, joined as the held keys say; called by Bokeh.
export default ({ cells, heads }, event) => {
  const [xs, rows, ids] = ["x", "row", "ids"].map((name) => Array.from(cells.get_column(name)))
  const at = xs.findIndex(
    (x, cell) => Math.abs(x - event.x) <= 0.5 && Math.abs(rows[cell] - event.y) <= 0.5,
  )
  if (at < 0) return
  const { shift, ctrl, meta } = event.modifiers ?? {}
  const combine = headbrush.combine.fromKeys(Boolean(shift), Boolean(ctrl || meta))
  heads.selected.indices = headbrush.combine.joinIds(heads.selected.indices, ids[at], combine)
}
