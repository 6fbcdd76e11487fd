// The patterns of brushed images and heads, over the others in grey, from 16-bit places. Pure but
// for `draw`.
globalThis.headbrushPatterns = (() => {
  const MISSING = 65535

  // How many brushed patterns fall into each pixel, first row at the bottom
  function counted(places, rows, heads, perImage, width, height) {
    const [x, y, marked] = ["x", "y", "marked"].map((name) => places.get_column(name))
    const count = new Uint32Array(width * height)
    for (const image of rows) {
      for (const head of heads) {
        const at = image * perImage + head
        if (!marked[at] || x[at] == MISSING || y[at] == MISSING) continue
        const [across, up] = [Math.floor((x[at] * width) / MISSING), Math.floor((y[at] * height) / MISSING)]
        count[up * width + across]++
      }
    }
    return count
  }

  // Each pixel takes the largest count around it, so that single patterns stay visible
  function widened(count, width, height, radius) {
    const wide = new Uint32Array(count.length)
    count.forEach((found, at) => {
      if (found == 0) return
      const [up, across] = [Math.floor(at / width), at % width]
      for (let j = Math.max(up - radius, 0); j <= Math.min(up + radius, height - 1); j++) {
        for (let i = Math.max(across - radius, 0); i <= Math.min(across + radius, width - 1); i++) {
          if (found > wide[j * width + i]) wide[j * width + i] = found
        }
      }
    })
    return wide
  }

  // Counts in colours of the ramp, from one to the most, over `ground`
  function painted(ground, count, ramp) {
    const colours = ramp.map((c) => ((0xff << 24) | ((c & 0xff) << 16) | (c & 0xff00) | (c >> 16)) >>> 0)
    const most = Math.log(count.reduce((a, b) => Math.max(a, b), 1)) || 1
    return ground.map((under, at) => {
      if (count[at] == 0) return under
      return colours[Math.round((Math.log(count[at]) / most) * (colours.length - 1))]
    })
  }

  function show(args, rows) {
    const { heads, images, pattern_pictures: pictures, pattern_places: places } = args
    const [x0, x1, y0, y1, ...ramp] = pictures.tags
    const [whole, grey] = pictures.get_column("image")
    const [height, width] = whole.shape
    const chosen = heads.selected.indices, all = heads.get_length()
    const isBrushed = chosen.length > 0 || rows.length < images.get_length() ||
      places.get_column("marked").some((inside) => !inside)
    let image = whole
    if (isBrushed) {
      const which = chosen.length ? chosen : Array.from({ length: all }, (_, at) => at)
      const count = counted(places, rows, which, all, width, height)
      const few = rows.length * which.length < 0.002 * width * height
      const pixels = painted(Uint32Array.from(grey), widened(count, width, height, few ? 2 : 1), ramp)
      image = headbrush.shaped(pixels, height, width)
    }
    const data = { image: [image], x: [x0], y: [y0], dw: [x1 - x0], dh: [y1 - y0] }
    args.pattern_picture.setv({ data }, { sync: false, check_eq: false })
  }

  // Where a pattern lies in the coordinates of the plot
  function place(args, at) {
    const [x0, x1, y0, y1] = args.pattern_pictures.tags
    const [x, y] = ["x", "y"].map((name) => args.pattern_places.get_column(name)[at] / (MISSING - 1))
    return [x > 1 ? NaN : x0 + x * (x1 - x0), y > 1 ? NaN : y0 + y * (y1 - y0)]
  }

  // The selected image's heads as points, the selected head ringed
  function mark(args, image, head) {
    const { heads, own_patterns: own, pattern_ring: ring } = args
    const numbers = image == null ? [] : Array.from({ length: heads.get_length() }, (_, at) => at)
    const at = numbers.map((number) => place(args, image * heads.get_length() + number))
    const take = (name) => numbers.map((number) => heads.get_column(name)[number])
    const columns = { x: at.map((p) => p[0]), y: at.map((p) => p[1]), colour: take("colour"),
      label: take("label") }
    own.setv({ data: columns }, { sync: false, check_eq: false })
    const ringed = at.slice(head, head + 1)
    ring.setv({ data: { x: ringed.map((p) => p[0]), y: ringed.map((p) => p[1]) } },
      { sync: false, check_eq: false })
  }

  function draw(args, rows, image, head) {
    if (args.pattern_places == null) return
    show(args, rows)
    mark(args, image, head)
  }

  return { counted, draw, painted, widened }
})()
