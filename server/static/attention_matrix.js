// The attention of one head as the page holds it. `codes` are the upper halves of float32, row
// after row, a row being a source token; they sort as the values do. `tokens` holds the geometry;
// along an axis a patch token is 1 long, a prefix token `wide`. All of it is pure but hover and pin,
// which write which token is chosen.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.matrix = (() => {
  const VALUES = new Float32Array(
    Uint32Array.from({ length: 65536 }, (_, code) => code << 16).buffer,
  )
  const FAINT = 0.3
  const LEAST = 0.25

  /** @param {Geometry} tokens */
  const numTokens = (tokens) => tokens.prefix + tokens.rows * tokens.columns

  /** @param {Geometry} tokens */
  const extent = (tokens) => tokens.prefix * tokens.wide + tokens.rows * tokens.columns

  /**
   * @param {Geometry} tokens
   * @param {number} token
   */
  const length = (tokens, token) => (token < tokens.prefix ? tokens.wide : 1)

  /**
   * @param {Geometry} tokens
   * @param {number} token
   */
  const start = (tokens, token) =>
    token < tokens.prefix ? token * tokens.wide : tokens.prefix * (tokens.wide - 1) + token

  /**
   * @param {Geometry} tokens
   * @param {number} token
   */
  const centre = (tokens, token) => start(tokens, token) + length(tokens, token) / 2

  /**
   * The token at a position on an axis, null beyond its ends.
   * @param {Geometry} tokens
   * @param {number} position
   */
  function tokenAt(tokens, position) {
    if (!(position >= 0 && position < extent(tokens))) return null
    const inside = Math.floor(position) - tokens.prefix * tokens.wide
    return inside < 0 ? Math.floor(position / tokens.wide) : tokens.prefix + inside
  }

  /**
   * The token near one of two axes, which lie at y = 0 and y = 1; null of none within `reach`.
   * @param {Geometry} tokens
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  function tokenNear(tokens, x, y, reach) {
    return Math.min(Math.abs(y), Math.abs(y - 1)) <= reach ? tokenAt(tokens, x) : null
  }

  /**
   * The token of a patch of the picture, null outside.
   * @param {Geometry} tokens
   * @param {number} x
   * @param {number} y
   */
  function patchAt(tokens, x, y) {
    const isInside = x >= 0 && y >= 0 && x < tokens.columns && y < tokens.rows
    return isInside ? tokens.prefix + Math.floor(y) * tokens.columns + Math.floor(x) : null
  }

  /**
   * Column and row of a patch token on the grid, null of a prefix token.
   * @param {Geometry} tokens
   * @param {number} token
   */
  function place(tokens, token) {
    const patch = token - tokens.prefix
    return patch < 0 ? null : [patch % tokens.columns, Math.floor(patch / tokens.columns)]
  }

  /**
   * @param {Geometry} tokens
   * @param {number} token
   */
  function name(tokens, token) {
    if (token >= tokens.prefix) return `patch ${token - tokens.prefix}`
    return tokens.has_class && token === 0 ? "CLS" : `prefix token ${token}`
  }

  /**
   * Name and place of a token.
   * @param {Geometry} tokens
   * @param {number} token
   */
  function describe(tokens, token) {
    const at = place(tokens, token)
    return name(tokens, token) + (at == null ? "" : ` (row ${at[1]}, column ${at[0]})`)
  }

  /**
   * The token that the views follow: under the pointer, else pinned, else null.
   * @param {Tokens} tokens
   */
  const chosen = (tokens) => tokens.hovered ?? tokens.token

  /**
   * @param {Tokens} tokens
   * @param {number | null} token
   */
  function hover(tokens, token) {
    if (tokens.hovered !== token) tokens.setv({ hovered: token }, { sync: false })
  }

  /**
   * @param {Tokens} tokens
   * @param {number | null} token
   */
  function pin(tokens, token) {
    if (token != null) tokens.token = tokens.token === token ? null : token
  }

  /**
   * Source, target and value of a cell in words, null outside the matrix.
   * @param {Codes} codes
   * @param {Geometry} tokens
   * @param {number} x
   * @param {number} y
   */
  function cell(codes, tokens, x, y) {
    const source = tokenAt(tokens, y)
    const target = tokenAt(tokens, x)
    if (source == null || target == null || codes.length === 0) return null
    const value = VALUES[codes[source * numTokens(tokens) + target]].toPrecision(3)
    return `source: ${describe(tokens, source)}\ntarget: ${describe(tokens, target)}\nA: ${value}`
  }

  /**
   * The smallest code whose value reaches the threshold.
   * @param {number} threshold
   */
  function codeOf(threshold) {
    const bits = new Uint32Array(new Float32Array([Math.max(threshold, 0)]).buffer)
    let code = bits[0] >>> 16
    while (VALUES[code] < threshold) code++
    return code
  }

  /**
   * How many values reach the threshold.
   * @param {Codes} codes
   * @param {number} threshold
   */
  function countFrom(codes, threshold) {
    const least = codeOf(threshold)
    let count = 0
    for (let at = 0; at < codes.length; at++) if (codes[at] >= least) count++
    return count
  }

  /**
   * Places of all values of a token: its row and its column.
   * @param {number} count number of tokens
   * @param {number} token
   */
  function placesOf(count, token) {
    const row = Array.from({ length: count }, (_, target) => token * count + target)
    const column = Array.from({ length: count }, (_, source) => source * count + token)
    return [...row, ...column.filter((_, source) => source !== token)].sort((a, b) => a - b)
  }

  /**
   * The values from the threshold on that concern the token (all for null), weakest first; at most
   * the `most` strongest. `total` counts all.
   * @param {Codes} codes
   * @param {Geometry} tokens
   * @param {number} threshold
   * @param {number | null} token
   * @param {number} most
   */
  function lines(codes, tokens, threshold, token, most) {
    const count = numTokens(tokens)
    const least = codeOf(threshold)
    const frequency = new Uint32Array(65536)
    const places = token == null ? null : placesOf(count, token)
    const candidates = places == null ? codes.length : places.length
    const strong = []
    for (let candidate = 0; candidate < candidates; candidate++) {
      const at = places == null ? candidate : places[candidate]
      if (codes[at] < least) continue
      frequency[codes[at]]++
      strong.push(at)
    }
    let cut = 65535
    let room = most
    while (cut > least && room >= frequency[cut]) room -= frequency[cut--]
    const drawn = strong.filter((at) => codes[at] > cut || (codes[at] === cut && room-- > 0))
    drawn.sort((a, b) => codes[a] - codes[b])
    return {
      total: strong.length,
      source: drawn.map((at) => Math.floor(at / count)),
      target: drawn.map((at) => at % count),
      value: drawn.map((at) => VALUES[codes[at]]),
    }
  }

  /**
   * For every patch, row after row of the grid: how strongly it attends to the token (`from`), and
   * how strongly the token attends to it (`to`); the means over all tokens for null.
   * @param {Codes} codes
   * @param {Geometry} tokens
   * @param {number | null} token
   */
  function masks(codes, tokens, token) {
    const count = numTokens(tokens)
    const patches = count - tokens.prefix
    const from = new Float32Array(patches)
    const to = new Float32Array(patches)
    const others = token == null ? Array.from({ length: count }, (_, other) => other) : [token]
    for (let patch = 0; patch < patches; patch++) {
      let attends = 0
      let attended = 0
      for (const other of others) {
        attends += VALUES[codes[(tokens.prefix + patch) * count + other]]
        attended += VALUES[codes[other * count + tokens.prefix + patch]]
      }
      from[patch] = attends / others.length
      to[patch] = attended / others.length
    }
    return { from, to }
  }

  /**
   * A two-dimensional array as Bokeh's image glyphs read it.
   * @param {Float32Array | Uint32Array} array
   * @param {number} rows
   * @param {number} columns
   */
  const shaped = (array, rows, columns) =>
    Object.assign(array, { shape: [rows, columns], dimension: 2 })

  /**
   * Which unit of an axis lies in which of at most `pixels` bins of the visible range.
   * @param {Geometry} tokens
   * @param {Interval} range
   * @param {number} pixels
   */
  function binned(tokens, range, pixels) {
    const ends = [range.start, range.end].map((end) => Math.min(Math.max(end, 0), extent(tokens)))
    const first = Math.floor(Math.min(...ends))
    const units = Math.max(Math.ceil(Math.max(...ends)) - first, 1)
    const bins = Math.max(1, Math.min(units, pixels))
    const token = Array.from({ length: units }, (_, unit) => tokenAt(tokens, first + unit))
    const bin = token.map((_, unit) => Math.floor((unit * bins) / units))
    return { first, units, bins, token, bin }
  }

  /** @param {string} colour as #rrggbb */
  function rgb(colour) {
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    return (blue << 16) | (green << 8) | red
  }

  /**
   * Opacity of a value: of those below the threshold only a trace.
   * @param {number} value
   * @param {number} threshold
   * @param {number} top
   */
  function opacity(value, threshold, top) {
    const share = Math.min(value / top, 1)
    return value >= threshold ? LEAST + (1 - LEAST) * share : FAINT * share
  }

  /**
   * Opacity of a line: full at the strongest that is drawn.
   * @param {number} value
   * @param {number} threshold
   * @param {number} strongest
   */
  function between(value, threshold, strongest) {
    return strongest > threshold ? 0.12 + (0.88 * (value - threshold)) / (strongest - threshold) : 1
  }

  /**
   * The visible part of the matrix as an image no finer than the screen; a pixel shows the
   * strongest of its values.
   * @param {Codes} codes
   * @param {Geometry} tokens
   * @param {Interval} xRange
   * @param {Interval} yRange
   * @param {number[]} pixels width and height
   * @param {{threshold: number, top: number, prefix: string, patch: string}} look
   */
  function picture(codes, tokens, xRange, yRange, pixels, look) {
    const x = binned(tokens, xRange, pixels[0])
    const y = binned(tokens, yRange, pixels[1])
    const { best, ofPrefix } = strongestOf(codes, tokens, x, y)
    const colours = [rgb(look.patch), rgb(look.prefix)]
    const image = new Uint32Array(best.length)
    for (let at = 0; at < best.length; at++) {
      const alpha = opacity(VALUES[best[at]], look.threshold, look.top)
      image[at] = (Math.round(255 * alpha) << 24) | colours[ofPrefix[at]]
    }
    return {
      image: [shaped(image, y.bins, x.bins)],
      x: [x.first],
      y: [y.first],
      dw: [x.units],
      dh: [y.units],
    }
  }

  /**
   * The largest code of every pixel, and whether it concerns a prefix token.
   * @param {Codes} codes
   * @param {Geometry} tokens
   * @param {ReturnType<typeof binned>} x
   * @param {ReturnType<typeof binned>} y
   */
  function strongestOf(codes, tokens, x, y) {
    const count = numTokens(tokens)
    const best = new Int32Array(x.bins * y.bins).fill(-1)
    const ofPrefix = new Uint8Array(best.length)
    for (let down = 0; down < y.units; down++) {
      const source = y.token[down] ?? 0
      const row = y.bin[down] * x.bins
      for (let across = 0; across < x.units; across++) {
        const target = x.token[across] ?? 0
        const code = codes[source * count + target]
        const at = row + x.bin[across]
        if (code <= best[at]) continue
        best[at] = code
        ofPrefix[at] = Number(source < tokens.prefix || target < tokens.prefix)
      }
    }
    return { best, ofPrefix }
  }

  return {
    VALUES,
    between,
    cell,
    centre,
    chosen,
    countFrom,
    describe,
    extent,
    hover,
    length,
    lines,
    masks,
    name,
    patchAt,
    picture,
    pin,
    place,
    shaped,
    start,
    tokenAt,
    tokenNear,
  }
})()
