// Patterns as a density, drawn as server/views/patterns/density.py draws it: all of it pure.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.density = (() => {
  const STEPS = 4096
  const WEAKEST = 110 // opacity of a pixel with the fewest patterns, where colours tell the kind
  const NONE = 255 // a pattern of no kind: drawn in grey

  /**
   * Red, green and blue of #rrggbb.
   * @param {string} colour
   */
  const channels = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))

  /**
   * A pixel as canvases have it.
   * @param {number[]} colour red, green and blue
   */
  const packed = ([red, green, blue], alpha = 255) =>
    ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0

  /**
   * Which pixel each pattern lies in, first row at the bottom; -1 outside of the view.
   * @param {Points} points
   * @param {number[]} view its edges: left, right, bottom, top
   * @param {number} width
   * @param {number} height
   */
  function pixels(points, [left, right, bottom, top], width, height) {
    const across = width / (right - left)
    const up = height / (top - bottom)
    const places = new Int32Array(points.count).fill(-1)
    for (let at = 0; at < points.count; at++) {
      const column = (points.x(at) - left) * across
      const row = (points.y(at) - bottom) * up
      if (!(column >= 0 && column <= width && row >= 0 && row <= height)) continue
      const [i, j] = [Math.floor(column), Math.floor(row)]
      places[at] = Math.min(j, height - 1) * width + Math.min(i, width - 1)
    }
    return places
  }

  /**
   * How many of some patterns lie in each of `size` pixels.
   * @param {Int32Array} places
   * @param {number} size
   * @param {Among} among
   */
  function counted(places, size, among) {
    const counts = new Uint32Array(size)
    for (let at = 0; at < places.length; at++) {
      if (places[at] >= 0 && among(at)) counts[places[at]]++
    }
    return counts
  }

  /**
   * Histogram equalisation to 0-1, as a function of a count.
   * @param {Uint32Array} counts
   */
  function ranked(counts) {
    let most = 0
    let filled = 0
    for (const count of counts) {
      if (count > 0) filled++
      if (count > most) most = count
    }
    const share = new Float64Array(most + 1)
    for (const count of counts) if (count > 0) share[count]++
    let sum = 0
    let least = 1
    for (let count = most; count >= 1; count--) if (share[count] > 0) least = share[count] / filled
    for (let count = 1; count <= most; count++) {
      sum += share[count]
      share[count] = sum / filled
    }
    return (/** @type {number} */ count) => (least < 1 ? (share[count] - least) / (1 - least) : 1)
  }

  /**
   * Radius of the disc that stands for a pixel: the larger the fewer are filled.
   * @param {Uint32Array} values
   */
  function radiusFor(values) {
    let filled = 0
    for (const value of values) if (value > 0) filled++
    const share = filled / values.length
    if (filled === 0 || share >= 0.15) return 0
    if (share >= 0.03) return 1
    return share < 0.01 ? 3 : 2
  }

  /**
   * Each filled pixel as a disc where few are filled; of neighbours the largest value wins.
   * @param {Uint32Array} values
   * @param {number} width
   * @param {number} height
   */
  function spread(values, width, height) {
    const radius = radiusFor(values)
    if (radius === 0 || Math.min(width, height) < 2 * radius + 1) return values
    const wide = new Uint32Array(values.length)
    const reach = (radius + 0.5) ** 2
    values.forEach((value, at) => {
      if (value === 0) return
      const row = Math.floor(at / width)
      const column = at % width
      for (let j = Math.max(0, row - radius); j <= Math.min(height - 1, row + radius); j++) {
        for (let i = Math.max(0, column - radius); i <= Math.min(width - 1, column + radius); i++) {
          const far = (j - row) ** 2 + (i - column) ** 2
          if (far < reach && wide[j * width + i] < value) wide[j * width + i] = value
        }
      }
    })
    return wide
  }

  /**
   * The colour of a place from 0 to 1 on a ramp.
   * @param {string[]} ramp
   */
  function shades(ramp) {
    const colours = ramp.map(channels)
    const table = Uint32Array.from({ length: STEPS }, (_, step) => {
      const place = (step / (STEPS - 1)) * (ramp.length - 1)
      const low = Math.min(Math.floor(place), ramp.length - 2)
      const mixed = colours[low].map((channel, at) =>
        Math.floor(channel + (colours[low + 1][at] - channel) * (place - low)),
      )
      return packed(mixed)
    })
    return (/** @type {number} */ share) => table[Math.floor(share * (STEPS - 1) + 0.5)]
  }

  /**
   * A picture of counts.
   * @param {Uint32Array} counts
   * @param {number} width
   * @param {number} height
   * @param {Look} look
   */
  function byCount(counts, width, height, { ramp, flat }) {
    const wide = spread(counts, width, height)
    const rank = ranked(wide)
    const shade = shades(ramp)
    const single = packed(channels(ramp[ramp.length - 2]))
    return wide.map((count) => {
      if (count === 0) return 0
      return flat ? single : shade(rank(count))
    })
  }

  /**
   * A picture of kinds: the mean colour of a pixel's patterns, the stronger the more there are.
   * @param {Int32Array} places
   * @param {number} width
   * @param {number} height
   * @param {Among} among
   * @param {Uint8Array} kinds
   * @param {Look} look
   */
  function byKind(places, width, height, among, kinds, { palette, flat, solid }) {
    const counts = new Uint32Array(width * height)
    const sums = new Float64Array(3 * counts.length)
    const colours = palette.map(channels)
    for (let at = 0; at < places.length; at++) {
      const place = places[at]
      if (place < 0 || kinds[at] === NONE || !among(at)) continue
      const colour = colours[kinds[at]]
      for (let channel = 0; channel < 3; channel++) sums[3 * place + channel] += colour[channel]
      counts[place]++
    }
    const rank = ranked(counts)
    const image = counts.map((count, at) => {
      if (count === 0) return 0
      const mean = [0, 1, 2].map((channel) => Math.floor(sums[3 * at + channel] / count))
      const alpha = flat || solid ? 255 : Math.floor(WEAKEST + rank(count) * (255 - WEAKEST))
      return packed(mean, alpha)
    })
    return spread(image, width, height)
  }

  /**
   * RGBA of all patterns; with `among`, which tells the brushed ones, the others in grey under them.
   * @param {Points} points
   * @param {number[]} view its edges: left, right, bottom, top
   * @param {number} width
   * @param {number} height
   * @param {Look} look
   * @param {Among | null} among
   */
  function draw(points, view, width, height, look, among = null) {
    const places = pixels(points, view, width, height)
    const all = () => true
    const some = among ?? all
    const image =
      look.kinds == null
        ? byCount(counted(places, width * height, some), width, height, look)
        : byKind(places, width, height, some, look.kinds, look)
    if (among == null) return image
    const under = spread(counted(places, width * height, all), width, height)
    return image.map((over, at) => {
      if (over >>> 24) return over
      return under[at] ? look.grey : 0
    })
  }

  /**
   * By the even-odd rule, as a canvas fills an outline.
   * @param {number[]} xs corners
   * @param {number[]} ys
   * @param {number} x
   * @param {number} y
   */
  function inPolygon(xs, ys, x, y) {
    let odd = false
    for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
      const isBeside = ys[j] > y !== ys[i] > y
      if (isBeside && x < (xs[i] - xs[j]) * ((y - ys[j]) / (ys[i] - ys[j])) + xs[j]) odd = !odd
    }
    return odd
  }

  /**
   * Which points a box (edges included) or an outline of Bokeh's tools encloses.
   * @param {Points} points
   * @param {Shape} shape
   */
  function enclosed({ x, y, count }, shape) {
    const inside = new Uint8Array(count)
    const isBox = shape.type === "rect"
    const xs = isBox ? [shape.x0, shape.x1] : Array.from(shape.x)
    const ys = isBox ? [shape.y0, shape.y1] : Array.from(shape.y)
    const [left, right] = [Math.min(...xs), Math.max(...xs)]
    const [bottom, top] = [Math.min(...ys), Math.max(...ys)]
    for (let at = 0; at < count; at++) {
      const [px, py] = [x(at), y(at)]
      if (!(px >= left && px <= right && py >= bottom && py <= top)) continue
      inside[at] = Number(isBox || inPolygon(xs, ys, px, py))
    }
    return inside
  }

  return { channels, draw, enclosed, packed }
})()
