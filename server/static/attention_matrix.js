// The attention of one head as the page holds it. `codes` are the upper halves of float32, row
// after row, a row being a source token; they sort as the values do. `t` holds the geometry:
// prefix, rows, columns, has_class, wide. Along an axis a patch token is 1 long, a prefix token
// `wide`. Only hover, pin and say touch the
// page.
globalThis.headbrush = (() => {
  const VALUES = new Float32Array(Uint32Array.from({length: 65536}, (_, code) => code << 16).buffer)
  const FAINT = 0.3
  const LEAST = 0.25

  const count = (t) => t.prefix + t.rows * t.columns
  const extent = (t) => t.prefix * t.wide + t.rows * t.columns
  const length = (t, token) => (token < t.prefix ? t.wide : 1)
  const start = (t, token) =>
    token < t.prefix ? token * t.wide : t.prefix * (t.wide - 1) + token
  const centre = (t, token) => start(t, token) + length(t, token) / 2

  function tokenAt(t, position) {
    if (!(position >= 0 && position < extent(t))) return null
    const inside = Math.floor(position) - t.prefix * t.wide
    return inside < 0 ? Math.floor(position / t.wide) : t.prefix + inside
  }

  function patchAt(t, x, y) {
    const inside = x >= 0 && y >= 0 && x < t.columns && y < t.rows
    return inside ? t.prefix + Math.floor(y) * t.columns + Math.floor(x) : null
  }

  // Column and row of a patch token on the grid, null of a prefix token
  function place(t, token) {
    const patch = token - t.prefix
    return patch < 0 ? null : [patch % t.columns, Math.floor(patch / t.columns)]
  }

  function name(t, token) {
    if (token >= t.prefix) return `patch ${token - t.prefix}`
    return t.has_class && token == 0 ? "CLS" : `prefix token ${token}`
  }

  function describe(t, token) {
    const at = place(t, token)
    return name(t, token) + (at == null ? "" : ` (row ${at[1]}, column ${at[0]})`)
  }

  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u00a0")
  const rounded = (value) => Number(value.toPrecision(3))

  // The token that the views follow: under the pointer, else pinned, else null
  const chosen = (tokens) => tokens.hovered ?? tokens.token

  function hover(tokens, token) {
    if (tokens.hovered !== token) tokens.setv({hovered: token}, {sync: false})
  }

  function pin(tokens, token) {
    if (token != null) tokens.token = tokens.token === token ? null : token
  }

  // Put words into a Paragraph without the layout of the page that Bokeh makes for a new text
  const paragraphs = new WeakMap()
  function say(note, text) {
    if (!paragraphs.get(note)?.isConnected)
      paragraphs.set(note, Bokeh.index.find_one(note)?.shadow_el.querySelector("p"))
    const shown = paragraphs.get(note)
    if (shown != null) shown.textContent = text
    note.setv({text}, {sync: false, silent: shown != null})
  }

  // A box of words beside the pointer, null for none. Bokeh's own measures the page at every move.
  let box = null
  function tell(words) {
    if (box == null) {
      box = document.body.appendChild(document.createElement("div"))
      box.className = "hb-tip"
      addEventListener("pointermove", moveBox, {capture: true, passive: true})
      moveBox(globalThis.event ?? {})
    }
    box.hidden = words == null
    if (words != null) box.textContent = words
  }

  function moveBox({clientX = 0, clientY = 0}) {
    const left = clientX > innerWidth / 2, up = clientY > innerHeight / 2
    const aside = `translate(${left ? "calc(-100% - 12px)" : "12px"}, ${up ? "calc(-100% - 8px)" : "14px"})`
    box.style.transform = `translate(${clientX}px, ${clientY}px) ${aside}`
  }

  // Source, target and value of a cell in words, null outside the matrix
  function cell(codes, t, x, y) {
    const source = tokenAt(t, y), target = tokenAt(t, x)
    if (source == null || target == null || codes.length == 0) return null
    const value = VALUES[codes[source * count(t) + target]].toPrecision(3)
    return `source: ${describe(t, source)}\ntarget: ${describe(t, target)}\nA: ${value}`
  }

  // The smallest code whose value reaches the threshold
  function codeOf(threshold) {
    const bits = new Uint32Array(new Float32Array([Math.max(threshold, 0)]).buffer)
    let code = bits[0] >>> 16
    while (VALUES[code] < threshold) code++
    return code
  }

  function countFrom(codes, threshold) {
    const least = codeOf(threshold)
    let found = 0
    for (let k = 0; k < codes.length; k++) if (codes[k] >= least) found++
    return found
  }

  // Places of all values of a token: its row and its column
  function placesOf(n, token) {
    const row = Array.from({length: n}, (_, target) => token * n + target)
    const column = Array.from({length: n}, (_, source) => source * n + token)
    return [...row, ...column.filter((_, source) => source != token)].sort((a, b) => a - b)
  }

  // The values from the threshold on that concern the token (all for null), weakest first; at
  // most the `most` strongest. `found` counts all.
  function lines(codes, t, threshold, token, most) {
    const n = count(t), least = codeOf(threshold), kept = []
    const frequency = new Uint32Array(65536)
    const places = token == null ? null : placesOf(n, token)
    const total = places == null ? codes.length : places.length
    let found = 0
    for (let at = 0; at < total; at++) {
      const k = places == null ? at : places[at]
      if (codes[k] < least) continue
      frequency[codes[k]]++
      found++
      kept.push(k)
    }
    let cut = 65535, room = most
    while (cut > least && room >= frequency[cut]) room -= frequency[cut--]
    const shown = kept.filter((k) => codes[k] > cut || (codes[k] == cut && room-- > 0))
    shown.sort((a, b) => codes[a] - codes[b])
    return {
      found,
      source: shown.map((k) => Math.floor(k / n)),
      target: shown.map((k) => k % n),
      value: shown.map((k) => VALUES[codes[k]]),
    }
  }

  // For every patch, row after row of the grid: how strongly it attends to the token, and how
  // strongly the token attends to it; the means over all tokens for null.
  function masks(codes, t, token) {
    const n = count(t), patches = n - t.prefix
    const from = new Float32Array(patches), to = new Float32Array(patches)
    const all = token == null ? Array.from({length: n}, (_, other) => other) : [token]
    for (let patch = 0; patch < patches; patch++) {
      let attends = 0, attended = 0
      for (const other of all) {
        attends += VALUES[codes[(t.prefix + patch) * n + other]]
        attended += VALUES[codes[other * n + t.prefix + patch]]
      }
      from[patch] = attends / all.length
      to[patch] = attended / all.length
    }
    return {from, to}
  }

  // A two-dimensional array as Bokeh's image glyphs read it
  const shaped = (array, rows, columns) =>
    Object.assign(array, {shape: [rows, columns], dimension: 2})

  // Which unit of an axis lies in which of at most `pixels` bins of the visible range
  function binned(t, range, pixels) {
    const ends = [range.start, range.end].map((end) => Math.min(Math.max(end, 0), extent(t)))
    const first = Math.floor(Math.min(...ends)), last = Math.ceil(Math.max(...ends))
    const units = Math.max(last - first, 1), bins = Math.max(1, Math.min(units, pixels))
    const token = Array.from({length: units}, (_, unit) => tokenAt(t, first + unit))
    const bin = token.map((_, unit) => Math.floor((unit * bins) / units))
    return {first, units, bins, token, bin}
  }

  function rgb(colour) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
    return (b << 16) | (g << 8) | r
  }

  // Opacity of a value: of those below the threshold only a trace
  function opacity(value, threshold, top) {
    const share = Math.min(value / top, 1)
    return value >= threshold ? LEAST + (1 - LEAST) * share : FAINT * share
  }

  // Opacity of a line: full at the strongest that is drawn
  function between(value, threshold, strongest) {
    return strongest > threshold ? 0.12 + (0.88 * (value - threshold)) / (strongest - threshold) : 1
  }

  // The visible part of the matrix as an image no finer than the screen; a pixel shows the
  // strongest of its values. `look` has threshold, top, prefix and patch colour.
  function picture(codes, t, xRange, yRange, pixels, look) {
    const n = count(t), x = binned(t, xRange, pixels[0]), y = binned(t, yRange, pixels[1])
    const best = new Int32Array(x.bins * y.bins).fill(-1), blue = new Uint8Array(best.length)
    for (let down = 0; down < y.units; down++) {
      const source = y.token[down], row = y.bin[down] * x.bins
      for (let across = 0; across < x.units; across++) {
        const target = x.token[across], code = codes[source * n + target], at = row + x.bin[across]
        if (code <= best[at]) continue
        best[at] = code
        blue[at] = source < t.prefix || target < t.prefix
      }
    }
    const colours = [rgb(look.patch), rgb(look.prefix)], image = new Uint32Array(best.length)
    for (let at = 0; at < best.length; at++) {
      const alpha = opacity(VALUES[best[at]], look.threshold, look.top)
      image[at] = (Math.round(255 * alpha) << 24) | colours[blue[at]]
    }
    return {
      image: [shaped(image, y.bins, x.bins)],
      x: [x.first], y: [y.first], dw: [x.units], dh: [y.units],
    }
  }

  return {
    VALUES, between, cell, centre, chosen, count, countFrom, describe, extent, grouped, hover, length, lines,
    masks, name, patchAt, picture, pin, place, rounded, say, shaped, start, tell, tokenAt,
  }
})()
