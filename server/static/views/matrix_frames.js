// D4: frames around row and column of the chosen token; called by Bokeh.
export default ({ source, tokens, row, column }) => {
  const { matrix } = headbrush
  const token = matrix.chosen(tokens)
  const visible = token != null && source.data.code.length > 0
  const start = visible ? matrix.start(tokens, token) : 0
  const end = visible ? start + matrix.length(tokens, token) : 0
  row.setv({ top: start, bottom: end, visible }, { sync: false })
  column.setv({ left: start, right: end, visible }, { sync: false })
}
