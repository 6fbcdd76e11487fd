// Patterns without a server: brushed by box and lasso, drawn again with every brush, zoom and theme,
// from 16-bit places (server/pages/report/browser/patterns.py makes them). They begin as the server
// had brushed them. Reports of too many patterns have no places; `hasPlaces` tells.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.patterns = (() => {
  const MISSING = 65535
  const NO_KIND = 255
  /** @type {Record<string, string>} tools by the shapes that they draw */
  const TOOLS = { rect: "BoxSelectTool", poly: "LassoSelectTool" }
  const setData = (/** @type {BokehModel} */ source, /** @type {object} */ data) =>
    source.setv({ data }, { sync: false, check_eq: false })
  const range = (/** @type {number} */ count) => Array.from({ length: count }, (_, at) => at)

  // Only a report's own page has themes; parts in another page are light, whatever that calls dark
  const isDark = () => headbrush.theme?.now() === "dark"

  /** @param {ReportArgs} args */
  const hasPlaces = (args) => args.shown.includes("pattern_places")

  /**
   * Whether patterns are brushed.
   * @param {ReportArgs} args
   */
  const isActive = (args) => hasPlaces(args) && args.pattern_places.tags[0] > 0

  /**
   * Which patterns are brushed, null if all are.
   * @param {ReportArgs} args
   * @returns {Uint8Array | null}
   */
  const markedOf = (args) => (isActive(args) ? args.pattern_places.get_column("marked") : null)

  /**
   * Coordinates by the number of a pattern; NaN of what has none.
   * @param {BokehModel} places
   * @returns {Points}
   */
  function pointsOf(places) {
    const [xLow, xStep, yLow, yStep] = places.tags[1]
    const [x, y] = ["x", "y"].map((name) => places.get_column(name))
    const decoded =
      (/** @type {Codes} */ codes, /** @type {number} */ low, /** @type {number} */ step) =>
      (/** @type {number} */ at) =>
        codes[at] === MISSING ? Number.NaN : low + codes[at] * step
    return { x: decoded(x, xLow, xStep), y: decoded(y, yLow, yStep), count: x.length }
  }

  /**
   * Masks joined; what takes away from nothing brushed takes away from all.
   * @param {Uint8Array} old
   * @param {Uint8Array} added
   * @param {Combine | "xor"} combine
   * @param {boolean} active whether any were brushed
   */
  function joinMasks(old, added, combine, active) {
    const isTaking = combine === "subtract" || combine === "intersect"
    const base = active ? old : new Uint8Array(old.length).fill(Number(isTaking))
    /** @type {Record<string, (before: number, now: number) => number>} */
    const joins = {
      replace: (_before, now) => now,
      add: (before, now) => before | now,
      subtract: (before, now) => before & (1 - now),
      intersect: (before, now) => before & now,
      xor: (before, now) => before ^ now,
    }
    const join = joins[combine]
    return added.map((now, at) => join(base[at], now))
  }

  /**
   * Marks are kept in place; a counter announces changes, 0 if nothing is brushed.
   * @param {BokehModel} places
   * @param {Uint8Array} marked
   * @param {number} count
   */
  function mark(places, marked, count) {
    places.get_column("marked").set(marked)
    places.tags = [count, ...places.tags.slice(1)]
  }

  /**
   * @param {ReportArgs} args
   * @param {Shape} shape
   * @param {Combine | "xor"} combine
   */
  function brush(args, shape, combine) {
    const places = args.pattern_places
    const added = headbrush.density.enclosed(pointsOf(places), shape)
    const marked = joinMasks(places.get_column("marked"), added, combine, isActive(args))
    mark(places, marked, places.tags[0] + 1)
  }

  /**
   * Brush the patterns of a name, a number in the column `name`.
   * @param {BokehModel} places
   * @param {number} number
   * @param {Combine} combine
   */
  function brushName(places, number, combine) {
    const added = places
      .get_column("name")
      .map((/** @type {number} */ one) => Number(one === number))
    const active = places.tags[0] > 0
    mark(places, joinMasks(places.get_column("marked"), added, combine, active), places.tags[0] + 1)
  }

  /** @param {BokehModel} places */
  function clear(places) {
    if (places.tags[0] > 0)
      mark(
        places,
        places.get_column("marked").map(() => 1),
        0,
      )
  }

  /**
   * By the held keys, or else by the tool's own mode.
   * @param {any} event
   * @param {BokehModel} tool
   * @returns {Combine | "xor"}
   */
  function combineOf(event, tool) {
    const { shift, ctrl } = event.modifiers ?? {} // a finger holds none
    if (shift || ctrl) return headbrush.combine.fromKeys(shift, ctrl)
    return tool.mode === "append" ? "add" : tool.mode
  }

  /** @param {any} geometry */
  function isArea({ type, sx, sy }) {
    if (type === "rect") return true
    const corners = Array.from(sx, (x, at) => `${x} ${sy[at]}`)
    return new Set(corners).size > 2
  }

  /** @type {any} what a drag has drawn, null if it is no area */
  let drawn = null
  /**
   * A drag tells its shape first, and the held keys only at its end.
   * @param {ReportArgs} args
   * @param {any} event
   */
  function gesture(args, event) {
    if (event.event_name === "selectiongeometry") {
      drawn = event.final && isArea(event.geometry) ? event.geometry : null
    } else if (event.event_name === "panend" && drawn != null) {
      const shape = drawn
      drawn = null
      const { tools } = event.origin.toolbar
      const tool = tools.find((/** @type {any} */ one) => one.type === TOOLS[shape.type])
      brush(args, shape, combineOf(event, tool))
    }
  }

  /**
   * How many patterns of each image and head are left by some images, some heads and the brush.
   * @param {ReportArgs} args
   * @param {number[]} images
   * @param {number[]} heads
   * @param {number} perImage number of heads
   */
  function tally(args, images, heads, perImage) {
    const byImage = new Uint32Array(args.images.get_length())
    const byHead = new Uint32Array(perImage)
    const marked = markedOf(args)
    for (const image of images) {
      for (const head of heads) {
        if (marked != null && !marked[image * perImage + head]) continue
        byImage[image]++
        byHead[head]++
      }
    }
    return { byImage, byHead, sum: byHead.reduce((a, b) => a + b, 0) }
  }

  /** @param {ReportArgs} args */
  function lookOf({ pattern_places: places }) {
    const { ramps, grey, flat, palette, solid } = places.tags[2]
    const { channels, packed } = headbrush.density
    return {
      ramp: ramps[isDark() ? "dark" : "light"],
      flat,
      palette,
      solid,
      grey: packed(channels(grey[0]), grey[1]),
      kinds: palette.length ? places.get_column("kind") : null,
    }
  }

  /**
   * Which patterns are in colour, null if all are.
   * @param {ReportArgs} args
   * @param {Brushed | null} brushed
   * @param {Uint8Array | null} kinds
   * @returns {Among | null}
   */
  function amongOf(args, brushed, kinds) {
    if (brushed == null) {
      const isCompared = kinds != null && args.pattern_places.tags[2].compared
      return isCompared ? (at) => kinds[at] !== NO_KIND : null
    }
    const perImage = args.heads.get_length()
    const [images, heads] = [new Set(brushed.images), new Set(brushed.heads)]
    const marked = markedOf(args)
    return (at) =>
      (marked == null || marked[at] === 1) &&
      images.has(Math.floor(at / perImage)) &&
      heads.has(at % perImage)
  }

  /**
   * Brushed patterns in colour over the others in grey; all in colour where nothing is brushed.
   * @param {ReportArgs} args
   * @param {Brushed | null} brushed
   */
  function show(args, brushed) {
    const { pattern_places: places, patterns_plot: plot, pattern_picture: picture } = args
    const [width, height] = [plot.inner_width, plot.inner_height].map(Math.round)
    if (!(width > 0 && height > 0)) return // not laid out yet, or folded away
    const { start: left, end: right } = plot.x_range
    const { start: bottom, end: top } = plot.y_range
    const look = lookOf(args)
    if (brushed != null) look.ramp = look.ramp.slice(2)
    const among = amongOf(args, brushed, look.kinds)
    const view = [left, right, bottom, top]
    const pixels = headbrush.density.draw(pointsOf(places), view, width, height, look, among)
    setData(picture, {
      image: [headbrush.matrix.shaped(pixels, height, width)],
      x: [left],
      y: [bottom],
      dw: [right - left],
      dh: [top - bottom],
    })
  }

  /**
   * The selected image's heads as points, the selected head ringed.
   * @param {ReportArgs} args
   * @param {number | null} image
   * @param {number} head
   */
  function ring(args, image, head) {
    const { heads, own_patterns: own, pattern_ring: ringed } = args
    const points = pointsOf(args.pattern_places)
    const perImage = heads.get_length()
    const numbers = image == null ? [] : range(perImage)
    const take = (/** @type {string} */ name) => numbers.map((at) => heads.get_column(name)[at])
    const placesOf = (/** @type {number[]} */ some) => {
      const patterns = some.map((number) => (image ?? 0) * perImage + number)
      return { x: patterns.map(points.x), y: patterns.map(points.y) }
    }
    setData(own, { ...placesOf(numbers), colour: take("colour"), label: take("label") })
    setData(ringed, placesOf(numbers.slice(head, head + 1)))
  }

  /** @type {Map<string, [ReportArgs, Brushed | null]>} */
  const last = new Map()
  /** @type {Set<string>} */
  const waiting = new Set()

  /**
   * Draw again when the browser has time for it, once for many calls.
   * @param {ReportArgs} args
   * @param {Brushed | null} brushed
   */
  function drawSoon(args, brushed) {
    const { id } = args.pattern_places
    last.set(id, [args, brushed])
    if (waiting.has(id)) return
    waiting.add(id)
    requestAnimationFrame(() => {
      const latest = last.get(id)
      if (waiting.delete(id) && latest != null) show(...latest)
    })
  }

  /** Draw at once, in the theme of now. */
  function repaint() {
    waiting.clear()
    for (const latest of last.values()) show(...latest)
  }

  /**
   * @param {ReportArgs} args
   * @param {Brushed | null} brushed
   * @param {number | null} image
   * @param {number} head
   */
  function draw(args, brushed, image, head) {
    if (!hasPlaces(args)) return
    drawSoon(args, brushed)
    ring(args, image, head)
  }

  /**
   * A tap takes the nearest pattern: its image and its head.
   * @param {ReportArgs} args
   * @param {any} event
   */
  function tap(args, event) {
    const points = pointsOf(args.pattern_places)
    const every = range(points.count)
    const nearest = headbrush.report.nearest(
      event.origin,
      every.map(points.x),
      every.map(points.y),
      event,
    )
    if (nearest == null) return
    const perImage = args.heads.get_length()
    args.heads.tags = [nearest % perImage]
    args.images.tags = [Math.floor(nearest / perImage)]
  }

  return { brushName, clear, draw, gesture, hasPlaces, isActive, repaint, tally, tap }
})()
