// D4: the visible part of the matrix as a picture no finer than the screen; called by Bokeh.
export default ({ source, tokens, plot, picture, prefix, patch }) => {
  const UNKNOWN = 400 // pixels of a plot that is not laid out yet
  const { code: codes } = source.data
  const look = { threshold: tokens.threshold, top: tokens.top, prefix, patch }
  const pixels = [plot.inner_width ?? UNKNOWN, plot.inner_height ?? UNKNOWN]
  const data =
    codes.length === 0
      ? { image: [], x: [], y: [], dw: [], dh: [] }
      : headbrush.matrix.picture(codes, tokens, plot.x_range, plot.y_range, pixels, look)
  picture.setv({ data }, { sync: false, check_eq: false })
}
