// Patterns without a server: brushed by box and lasso, drawn anew with every brush, zoom and theme,
// from 16-bit places (`reports/patterns.py` makes them). They begin as the server had brushed them.
globalThis.headbrushPatterns = (() => {
  const MISSING = 65535
  const setData = (source, data) => source.setv({ data }, { sync: false, check_eq: false })
  // Only a report's own page has themes; parts within another page are light, whatever that calls dark
  const isDark = () => typeof hbTheme != "undefined" && document.documentElement.dataset.theme == "dark"

  // Coordinates by the number of a pattern; NaN of what has none
  function pointsOf(places) {
    const [xLow, xStep, yLow, yStep] = places.tags[1]
    const [x, y] = ["x", "y"].map((name) => places.get_column(name))
    const at = (codes, low, step) => (n) => (codes[n] == MISSING ? NaN : low + codes[n] * step)
    return { x: at(x, xLow, xStep), y: at(y, yLow, yStep), count: x.length }
  }

  const isActive = (args) => args.pattern_places != null && args.pattern_places.tags[0] > 0

  function joined(old, found, combine, active) {
    const whole = combine == "subtract" || combine == "intersect"
    const base = active ? old : new Uint8Array(old.length).fill(whole)
    const join = {
      add: (a, b) => a | b, subtract: (a, b) => a & (1 - b), intersect: (a, b) => a & b, xor: (a, b) => a ^ b,
    }[combine] ?? ((_a, b) => b)
    return found.map((one, at) => join(base[at], one))
  }

  // The marked are kept in place; a count of changes tells of them, 0 where nothing is brushed
  function mark(places, marked, count) {
    places.get_column("marked").set(marked)
    places.tags = [count, ...places.tags.slice(1)]
  }

  function brush(args, shape, combine) {
    const places = args.pattern_places
    const found = headbrushDensity.enclosed(pointsOf(places), shape)
    mark(places, joined(places.get_column("marked"), found, combine, isActive(args)), places.tags[0] + 1)
  }

  function clear(places) {
    if (places.tags[0] > 0) mark(places, places.get_column("marked").map(() => 1), 0)
  }

  // As on the server: Shift adds, Ctrl keeps what is in both, both take away
  function combined(event, tool) {
    const { shift, ctrl } = event.modifiers ?? {}
    if (shift || ctrl) return shift && ctrl ? "subtract" : shift ? "add" : "intersect"
    return tool.mode == "append" ? "add" : tool.mode
  }

  function isArea({ type, sx, sy }) {
    if (type == "rect") return true
    return new Set(Array.from(sx, (x, at) => `${x} ${sy[at]}`)).size > 2
  }

  // A drag tells its shape first, and the keys held only at its end
  let drawn = null
  function gesture(args, event) {
    if (event.event_name == "selectiongeometry") {
      drawn = event.final && isArea(event.geometry) ? event.geometry : null
    } else if (event.event_name == "panend" && drawn != null) {
      const [shape, type] = [drawn, drawn.type == "rect" ? "BoxSelectTool" : "LassoSelectTool"]
      drawn = null
      brush(args, shape, combined(event, event.origin.toolbar.tools.find((tool) => tool.type == type)))
    }
  }

  // How many patterns of each of `images` and `heads` are left by masks of both and of patterns
  function tally(args, rows, heads, perImage) {
    const byImage = new Uint32Array(args.images.get_length()), byHead = new Uint32Array(perImage)
    const marked = isActive(args) ? args.pattern_places.get_column("marked") : null
    for (const image of rows) {
      for (const head of heads) {
        if (marked != null && !marked[image * perImage + head]) continue
        byImage[image]++
        byHead[head]++
      }
    }
    return { byImage, byHead, sum: byHead.reduce((a, b) => a + b, 0) }
  }

  function look(args) {
    const places = args.pattern_places, [, , view] = places.tags
    const { ramps, grey, flat, palette, solid } = view
    const ramp = ramps[isDark() ? "dark" : "light"]
    const { channels, packed } = headbrushDensity
    return {
      ramp, flat, palette, solid, grey: packed(...channels(grey[0]), grey[1]),
      kinds: palette.length ? places.get_column("kind") : null,
    }
  }

  // Brushed patterns in colour over the others in grey; all in colour where nothing is brushed
  function show(args, brush) {
    const { pattern_places: places, patterns_plot: plot, pattern_picture: picture } = args
    const [width, height] = [plot.inner_width, plot.inner_height].map(Math.round)
    if (!(width > 0 && height > 0)) return
    const { start: x0, end: x1 } = plot.x_range, { start: y0, end: y1 } = plot.y_range
    const shown = look(args), perImage = args.heads.get_length()
    const kindsOfSome = shown.kinds != null && places.tags[2].compared
    let among = kindsOfSome ? (at) => shown.kinds[at] != 255 : null
    if (brush != null) {
      const rows = new Set(brush.rows), heads = new Set(brush.heads)
      const marked = isActive(args) ? places.get_column("marked") : null
      among = (at) => (marked == null || marked[at] == 1) && rows.has(Math.floor(at / perImage)) && heads.has(at % perImage)
      shown.ramp = shown.ramp.slice(2)
    }
    const pixels = headbrushDensity.draw(pointsOf(places), [x0, x1, y0, y1], width, height, shown, among)
    const image = headbrush.shaped(pixels, height, width)
    setData(picture, { image: [image], x: [x0], y: [y0], dw: [x1 - x0], dh: [y1 - y0] })
  }

  // The selected image's heads as points, the selected head ringed
  function ring(args, image, head) {
    const { heads, own_patterns: own, pattern_ring: ringed } = args
    const points = pointsOf(args.pattern_places), perImage = heads.get_length()
    const numbers = image == null ? [] : Array.from({ length: perImage }, (_, at) => at)
    const take = (name, from = numbers) => from.map((number) => heads.get_column(name)[number])
    const place = (from) => ({
      x: from.map((number) => points.x(image * perImage + number)),
      y: from.map((number) => points.y(image * perImage + number)),
    })
    setData(own, { ...place(numbers), colour: take("colour"), label: take("label") })
    setData(ringed, place(numbers.slice(head, head + 1)))
  }

  // Draw again when the browser has time for it, once for many calls
  const last = new Map(), waiting = new Set()
  function drawSoon(args, brush) {
    const { id } = args.pattern_places
    last.set(id, [args, brush])
    if (!waiting.has(id)) requestAnimationFrame(() => { if (waiting.delete(id)) show(...last.get(id)) })
    waiting.add(id)
  }

  // At once, in the theme of now
  function repaint() {
    waiting.clear()
    for (const shown of last.values()) show(...shown)
  }

  function draw(args, brush, image, head) {
    if (args.pattern_places == null) return
    drawSoon(args, brush)
    ring(args, image, head)
  }

  // A tap takes the nearest pattern: its image and its head
  function tap(args, event) {
    const points = pointsOf(args.pattern_places), every = { length: points.count }
    const [xs, ys] = [points.x, points.y].map((of) => Float64Array.from(every, (_, at) => of(at)))
    const found = headbrushReport.nearest(event.origin, xs, ys, event)
    if (found == null) return
    const perImage = args.heads.get_length()
    args.heads.tags = [found % perImage]
    args.images.tags = [Math.floor(found / perImage)]
  }

  return { brush, clear, draw, gesture, isActive, joined, pointsOf, repaint, tally, tap }
})()
