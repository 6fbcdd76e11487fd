// D4: a box beside the pointer that says what is under it; called by Bokeh.
export default ({ source, tokens }, event) => {
  const { matrix, notes } = headbrush
  notes.tell(matrix.cell(source.data.code, tokens, event.x, event.y))
}
