// Patterns as a density, as `density.py` draws it: all of it pure.
globalThis.headbrushDensity = (() => {
  const STEPS = 4096
  const WEAKEST = 110 // opacity of a pixel with the fewest patterns, where colours tell the kind
  const NONE = 255 // a pattern of no kind: drawn in grey

  const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
  const packed = (red, green, blue, alpha = 255) =>
    ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0

  // Which pixel each pattern lies in, first row at the bottom; -1 outside of the view
  function pixels(points, view, width, height) {
    const { x, y, count } = points, [x0, x1, y0, y1] = view
    const across = width / (x1 - x0), up = height / (y1 - y0)
    const found = new Int32Array(count).fill(-1)
    for (let at = 0; at < count; at++) {
      const column = (x(at) - x0) * across, row = (y(at) - y0) * up
      if (!(column >= 0 && column <= width && row >= 0 && row <= height)) continue
      found[at] = Math.min(Math.floor(row), height - 1) * width + Math.min(Math.floor(column), width - 1)
    }
    return found
  }

  function counted(places, size, among) {
    const count = new Uint32Array(size)
    for (let at = 0; at < places.length; at++) if (places[at] >= 0 && among(at)) count[places[at]]++
    return count
  }

  // Histogram equalisation to 0-1, as a function of a count
  function ranked(counts) {
    let most = 0, filled = 0
    for (const one of counts) if (one > 0) { filled++; if (one > most) most = one }
    const share = new Float64Array(most + 1)
    for (const one of counts) if (one > 0) share[one]++
    let sum = 0, least = null
    for (let one = 1; one <= most; one++) {
      if (share[one] > 0 && least == null) least = (sum + share[one]) / filled
      sum += share[one]
      share[one] = sum / filled
    }
    return (count) => (least < 1 ? (share[count] - least) / (1 - least) : 1)
  }

  // Each filled pixel as a disc where few are filled; of neighbours the largest value wins
  function spread(values, width, height) {
    let filled = 0
    for (const one of values) if (one > 0) filled++
    const share = filled / values.length
    const radius = share < 0.01 ? 3 : share < 0.03 ? 2 : share < 0.15 ? 1 : 0
    if (!filled || !radius || Math.min(width, height) < 2 * radius + 1) return values
    const wide = new Uint32Array(values.length), reach = (radius + 0.5) ** 2
    values.forEach((value, at) => {
      if (value == 0) return
      const row = Math.floor(at / width), column = at % width
      for (let j = Math.max(0, row - radius); j <= Math.min(height - 1, row + radius); j++) {
        for (let i = Math.max(0, column - radius); i <= Math.min(width - 1, column + radius); i++) {
          const far = (j - row) ** 2 + (i - column) ** 2
          if (far < reach && wide[j * width + i] < value) wide[j * width + i] = value
        }
      }
    })
    return wide
  }

  // The colour of a place from 0 to 1 on a ramp
  function shades(ramp) {
    const given = ramp.map(channels)
    const table = Uint32Array.from({ length: STEPS }, (_, step) => {
      const place = (step / (STEPS - 1)) * (ramp.length - 1), low = Math.min(Math.floor(place), ramp.length - 2)
      return packed(...given[low].map((c, k) => Math.floor(c + (given[low + 1][k] - c) * (place - low))))
    })
    return (share) => table[Math.floor(share * (STEPS - 1) + 0.5)]
  }

  function byCount(count, width, height, { ramp, flat }) {
    const wide = spread(count, width, height), rank = ranked(wide), shade = shades(ramp)
    const one = packed(...channels(ramp.at(-2)))
    return wide.map((found) => (found == 0 ? 0 : flat ? one : shade(rank(found))))
  }

  // The mean colour of a pixel's patterns, the stronger the more there are
  function byKind(places, width, height, among, { kinds, palette, flat, solid }) {
    const size = width * height, sums = new Float64Array(3 * size), count = new Uint32Array(size)
    const colours = palette.map(channels)
    for (let at = 0; at < places.length; at++) {
      const place = places[at]
      if (place < 0 || kinds[at] == NONE || !among(at)) continue
      for (let k = 0; k < 3; k++) sums[3 * place + k] += colours[kinds[at]][k]
      count[place]++
    }
    const rank = ranked(count)
    const image = count.map((found, at) => {
      if (found == 0) return 0
      const mean = [0, 1, 2].map((k) => Math.floor(sums[3 * at + k] / found))
      const alpha = flat || solid ? 255 : Math.floor(WEAKEST + rank(found) * (255 - WEAKEST))
      return packed(...mean, alpha)
    })
    return spread(image, width, height)
  }

  // RGBA of all patterns; with `among`, which tells the brushed ones, the others in grey under them.
  // `look` has ramp, grey, flat, and where colours tell kinds: kinds, palette, solid.
  function draw(points, view, width, height, look, among = null) {
    const places = pixels(points, view, width, height), some = among ?? (() => true)
    const image = look.kinds == null
      ? byCount(counted(places, width * height, some), width, height, look)
      : byKind(places, width, height, some, look)
    if (among == null) return image
    const under = spread(counted(places, width * height, () => true), width, height)
    return image.map((over, at) => (over >>> 24 ? over : under[at] ? look.grey : 0))
  }

  // By the even-odd rule, as a canvas fills an outline
  function inPolygon(xs, ys, x, y) {
    let odd = false
    for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
      const [xa, ya, xb, yb] = [xs[j], ys[j], xs[i], ys[i]]
      if (ya > y != yb > y && x < (xb - xa) * ((y - ya) / (yb - ya)) + xa) odd = !odd
    }
    return odd
  }

  // Which points a box (edges included) or an outline of Bokeh's tools encloses
  function enclosed(points, shape) {
    const { x, y, count } = points, found = new Uint8Array(count)
    const isBox = shape.type == "rect"
    const xs = isBox ? [shape.x0, shape.x1] : Array.from(shape.x)
    const ys = isBox ? [shape.y0, shape.y1] : Array.from(shape.y)
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
    for (let at = 0; at < count; at++) {
      const px = x(at), py = y(at)
      if (px >= x0 && px <= x1 && py >= y0 && py <= y1) found[at] = isBox || inPolygon(xs, ys, px, py)
    }
    return found
  }

  return { draw, enclosed, packed, channels }
})()
