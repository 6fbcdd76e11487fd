// G1: a box beside the pointer that says which patch is under it, and its value; called by Bokeh.
export default ({ source, prefix, rows, columns }, event) => {
  const { matrix, notes, numbers } = headbrush
  const tokens = { prefix, rows, columns, has_class: false, wide: 1 }
  const token = matrix.patchAt(tokens, event.x, event.y)
  const [values] = source.data.image
  const isThere = token != null && values?.length === rows * columns
  const words = token == null ? null : matrix.describe(tokens, token)
  notes.tell(isThere ? `${words}: ${numbers.rounded(values[token - prefix])}` : words)
}
