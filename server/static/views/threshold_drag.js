// D5: the threshold follows the pointer; called by Bokeh.
export default ({ tokens, range }, event) => {
  const at = Math.min(Math.max(event.x, range.start), range.end)
  tokens.setv({ threshold: headbrush.numbers.rounded(at) }, { sync: false })
}
