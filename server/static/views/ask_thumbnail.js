// A: ask the server for the thumbnail under the pointer, once; called by Bokeh's hover tool.
export default ({ hover, images }, _tool, { index }) => {
  const [image] = index.indices
  if (image != null && images.get_column("thumbnail")[image] === "") hover.tags = [image]
}
