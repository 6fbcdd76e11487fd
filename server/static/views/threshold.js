// D5: the line at the threshold, and how many values reach it; called by Bokeh.
export default ({ source, tokens, line, below, note }) => {
  const { matrix, notes, numbers } = headbrush
  const { code: codes } = source.data
  const { threshold } = tokens
  const visible = codes.length > 0
  line.setv({ location: threshold, visible }, { sync: false })
  below.setv({ right: threshold, visible }, { sync: false })
  const count = matrix.countFrom(codes, threshold)
  const [some, all] = [count, codes.length].map(numbers.grouped)
  const share = `${((100 * count) / codes.length).toFixed(1)}\u00a0%`
  const words = `A ≥ ${numbers.rounded(threshold)} · ${some} of ${all} values (${share})`
  notes.say(note, visible ? words : "no attention matrix")
}
