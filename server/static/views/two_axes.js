// D3: lines from source to target tokens, the chosen token's if there is one; called by Bokeh.
export default ({ source, tokens, patch, prefix, mark, note, most }) => {
  const { matrix, notes, numbers } = headbrush
  const { code: codes } = source.data
  const token = matrix.chosen(tokens)
  const lines = matrix.lines(codes, tokens, tokens.threshold, token, most)

  const strongest = lines.value.at(-1) ?? 0
  /** @returns {Record<string, number[]>} */
  const empty = () => ({ x0: [], x1: [], alpha: [] })
  const segments = { patch: empty(), prefix: empty() }
  lines.value.forEach((value, at) => {
    const [from, to] = [lines.source[at], lines.target[at]]
    const isOfPrefix = from < tokens.prefix || to < tokens.prefix
    const segment = isOfPrefix ? segments.prefix : segments.patch
    segment.x0.push(matrix.centre(tokens, from))
    segment.x1.push(matrix.centre(tokens, to))
    segment.alpha.push(matrix.between(value, tokens.threshold, strongest))
  })
  prefix.setv({ data: segments.prefix }, { sync: false, check_eq: false })
  patch.setv({ data: segments.patch }, { sync: false, check_eq: false })

  const hasMark = token != null && codes.length > 0
  const centre = hasMark ? matrix.centre(tokens, token) : null
  const marks = hasMark ? { x: [centre, centre], y: [0, 1] } : { x: [], y: [] }
  mark.setv({ data: marks }, { sync: false, check_eq: false })

  const [drawn, total] = [lines.value.length, lines.total].map(numbers.grouped)
  const whose = token == null ? "" : `${matrix.name(tokens, token)}: `
  const plural = lines.total === 1 ? "line" : "lines"
  const isCut = lines.value.length < lines.total
  const count = isCut ? `strongest ${drawn} of ${total} lines` : `${total} ${plural}`
  const words = `${whose}${count}, A ≥ ${numbers.rounded(tokens.threshold)}`
  notes.say(note, codes.length === 0 ? "no attention matrix" : words)
}
