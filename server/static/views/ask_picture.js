// A, B1, C1: ask the server for the picture of what is under the pointer, once; called by Bokeh's
// hover tool.
export default ({ hover, source, column }, _tool, { index }) => {
  const [place] = index.indices
  if (place != null && source.get_column(column)[place] === "") hover.tags = [place]
}
