// Brushing without a server: means, bands and counts are computed here, from 16-bit codes of the
// values (`reports/linked.py` makes them). The first functions are pure; `update` draws.
globalThis.headbrushReport = (() => {
  const MISSING = 65535
  const column = (source, name) => source.get_column(name)
  const setData = (source, columns) =>
    source.setv({ data: columns }, { sync: false, check_eq: false })

  function columnsOf(source) {
    const data = source.data
    return data instanceof Map ? Object.fromEntries(data) : { ...data }
  }

  // A source of codes as a table: `width` values a row
  function table(source, width) {
    const [low, step] = source.tags
    const codes = column(source, "code")
    return { codes, width, low, step, title: source.tags[2] }
  }

  const value = (t, row, at) => {
    const code = t.codes[row * t.width + at]
    return code == MISSING ? NaN : t.low + code * t.step
  }

  const row = (t, which) => Float64Array.from({ length: t.width }, (_, at) => value(t, which, at))

  // Mean and standard deviation of each column over some rows; NaN of none
  function meanAndDeviation(t, rows) {
    const mean = new Float64Array(t.width), spread = new Float64Array(t.width)
    for (const one of rows) for (let at = 0; at < t.width; at++) mean[at] += value(t, one, at)
    for (let at = 0; at < t.width; at++) mean[at] /= rows.length
    for (const one of rows) {
      for (let at = 0; at < t.width; at++) spread[at] += (value(t, one, at) - mean[at]) ** 2
    }
    return { mean, spread: spread.map((sum) => Math.sqrt(sum / rows.length)) }
  }

  const numbers = (count) => Array.from({ length: count }, (_, at) => at)

  // What is brushed: `rows` of images and `heads`, and `told` by other views than those of heads;
  // of a brush of patterns only what has some of them. `within` stands for one that cannot change.
  function brushOf(args) {
    const { images, heads } = args
    const [allImages, allHeads] = [images, heads].map((source) => numbers(source.get_length()))
    const [of, on] = [images, heads].map((source) => Array.from(source.selected.indices))
    const isOf = headbrushPatterns.isActive(args)
    const within = args.pattern_places == null ? column(images, "within") : null
    const chosen = (of.length ? of : allImages).filter((at) => within == null || within[at])
    const chosenHeads = on.length ? on : allHeads
    const tally = (rows, columns) => headbrushPatterns.tally(args, rows, columns, allHeads.length)
    const all = tally(chosen, chosenHeads), byHeads = tally(chosen, allHeads)
    const kept = (list, counts) => (isOf ? list.filter((at) => counts[at] > 0) : list)
    return {
      isOf, sum: all.sum, rows: kept(chosen, all.byImage), heads: kept(chosenHeads, all.byHead),
      told: kept(chosen, byHeads.byImage), headCounts: byHeads.byHead,
      imageCounts: isOf ? tally(allImages, chosenHeads).byImage : null,
      isAny: isOf || of.length > 0 || on.length > 0 || chosen.length < allImages.length,
    }
  }

  function largest(...lists) {
    let most = -Infinity
    for (const list of lists) for (const one of list) if (one > most) most = one
    return most
  }

  const shownMetric = (args) =>
    args.importance.find((one) => one.name == "codes_" + args.metric.value)

  function drawImportance(args, rows, image) {
    const { heads, importance_band: band, importance_plot: plot } = args
    if (band == null) return column(heads, "value")
    const values = table(shownMetric(args), heads.get_length())
    const { mean, spread } = meanAndDeviation(values, rows)
    const low = mean.map((one, at) => one - spread[at])
    const high = mean.map((one, at) => one + spread[at])
    const line = image == null ? mean : row(values, image)
    setData(band, { number: Array.from(mean.keys()), mean, low, high })
    const shown = args.metric.value == "probability" && image != null
    args.importance_reference.visible = shown
    const level = shown ? column(args.images, "probability")[image] : -Infinity
    if (shown) args.importance_reference.location = level
    plot.y_range.setv({ start: 0, end: largest(high, line, [level]) * 1.06 || 0.01 })
    plot.left[0].axis_label = values.title
    return line
  }

  function drawEntropy(args, rows, image) {
    if (args.entropy == null) return column(args.heads, "entropy")
    const values = table(args.entropy, args.heads.get_length())
    return image == null ? meanAndDeviation(values, rows).mean : row(values, image)
  }

  function drawHops(args, rows) {
    for (const source of args.hops) {
      const shown = source.tags[3]
      const { mean, spread } = meanAndDeviation(table(source, shown.get_length()), rows)
      const low = mean.map((one, at) => Math.max(one - spread[at], 0))
      setData(shown, { ...columnsOf(shown), mean, low, high: mean.map((one, at) => one + spread[at]) })
    }
  }

  function ring(source, points, which, x, y) {
    if (source == null) return
    const at = which == null ? [] : [which]
    setData(source, { x: at.map((n) => column(points, x)[n]), y: at.map((n) => column(points, y)[n]) })
  }

  const place = (id) => document.getElementById(id)
  const tell = (view, text) => place("words-" + view)?.replaceChildren(text)
  const short = (number) => Number(number.toPrecision(3)).toString()
  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u00a0")

  function extremes(list) {
    let [least, most] = [null, null]
    list.forEach((one, at) => {
      if (Number.isNaN(one)) return
      if (least == null || one < list[least]) least = at
      if (most == null || one > list[most]) most = at
    })
    return [least, most]
  }

  function say(args, brush, head, image, line, entropy) {
    const { images, heads } = args, rows = brush.told
    const labels = column(heads, "label")
    const of = image != null ? column(images, "name")[image]
      : rows.length == images.get_length() ? `the mean over all ${grouped(rows.length)} images`
      : `the mean over the ${grouped(rows.length)} brushed images`
    const metric = shownMetric(args)?.tags[2]
    for (const [view, what, list] of [["head_importance", metric, line],
      ["strength_overview", "Entropy", entropy]]) {
      const [least, most] = extremes(list)
      if (most == null) continue
      tell(view, `${what}, ${of}: highest ${short(list[most])} at ${labels[most]}, lowest ` +
        `${short(list[least])} at ${labels[least]}; selected head ${labels[head]}: ${short(list[head])}.`)
    }
    sayCounts(args, brush, image)
  }

  function sayCounts(args, brush, image) {
    const { images, heads } = args
    const [allImages, allHeads] = [images.get_length(), heads.get_length()]
    const of = (part, all, name) => `${grouped(part)} of ${grouped(all)} ${name}`
    const patterns = of(brush.sum, allImages * allHeads, "patterns")
    const counted = [of(brush.rows.length, allImages, "images"), of(brush.heads.length, allHeads, "heads"),
      ...(args.pattern_places == null ? [] : [patterns])].join(" · ")
    place("report_brushed")?.replaceChildren(brush.isAny ? `brushed: ${counted}`
      : "nothing brushed: all images and heads count")
    const about = (name) => column(images, name)[image]
    const selected = image == null ? "none is selected"
      : `selected: ${about("name")}, true ${about("label")}, predicted ${about("predicted")}`
    const brushedNow = brush.isAny ? `${grouped(brush.rows.length)} brushed; ` : ""
    tell("image_overview", `${grouped(allImages)} images; ${brushedNow}${selected}.`)
    if (args.pattern_places == null) return
    tell("pattern_layout", brush.isAny ? `${patterns} are brushed, the others are grey.`
      : `${grouped(allImages * allHeads)} patterns, none of them brushed.`)
  }

  // The dots of heads and images are the larger the more of their patterns are brushed
  function drawShares(args, { isOf, headCounts, imageCounts }) {
    const { images, heads } = args
    const parts = [[heads, headCounts, args.overview_plot, images], [images, imageCounts, args.images_plot, heads]]
    for (const [source, counts, plot, others] of parts) {
      const most = isOf ? counts.reduce((a, b) => Math.max(a, b), 1) : 1
      const share = Float32Array.from(column(source, "share"), (_, at) => (isOf ? counts[at] / most : -1))
      const brushed = source === heads ? { brushed: Int32Array.from(counts) } : {}
      setData(source, { ...columnsOf(source), share, ...brushed })
      const label = plot?.center.find((one) => one.name == "share_words")
      const percent = Math.round((100 * most) / others.get_length())
      if (label != null) label.text = isOf ? `larger: more of its patterns brushed, up to ${percent}%` : ""
    }
    for (const { glyph } of args.head_counts?.renderers ?? []) {
      for (const { transform } of [glyph.fill_color, glyph.text_color]) {
        if (transform != null) transform.high = headCounts.reduce((a, b) => Math.max(a, b), 1)
      }
    }
  }

  // Draw all that follows from the brush, the metric and what is selected
  function update(args) {
    const { images, heads } = args
    const [image] = images.tags, [head] = heads.tags
    const brush = brushOf(args), rows = brush.told
    const line = drawImportance(args, rows, image)
    const entropy = drawEntropy(args, rows, image)
    setData(heads, { ...columnsOf(heads), value: line, entropy })
    drawShares(args, brush)
    drawHops(args, rows)
    headbrushPatterns.draw(args, brush.isAny ? brush : null, image, head)
    if (args.importance_cursor != null) args.importance_cursor.location = head
    ring(args.head_ring, heads, head, "layer_jitter", "entropy")
    ring(args.image_ring, images, image, "x", "y")
    say(args, brush, head, image, line, entropy)
  }

  // Draw the patterns alone, in another range, size or theme
  function redraw(args) {
    const brush = brushOf(args)
    headbrushPatterns.draw(args, brush.isAny ? brush : null, args.images.tags[0], args.heads.tags[0])
  }

  // The nearest point within reach of a tap, null if there is none
  function nearest(plot, xs, ys, event, reach = 24) {
    const per = [[plot.inner_width, plot.x_range], [plot.inner_height, plot.y_range]].map(
      ([pixels, range]) => pixels / Math.abs(range.end - range.start))
    let [best, least] = [null, reach]
    for (let at = 0; at < xs.length; at++) {
      const distance = Math.hypot((xs[at] - event.x) * per[0], (ys[at] - event.y) * per[1])
      if (distance <= least) [best, least] = [at, distance]
    }
    return best
  }

  const choose = (source, which) => { source.tags = [which] }

  // A tap selects an image, or lets go of the selected one; or selects a head
  function tap(args, kind, event) {
    const { images, heads } = args
    if (kind == "image") {
      const found = nearest(event.origin, column(images, "x"), column(images, "y"), event)
      choose(images, found === images.tags[0] ? null : found)
    } else {
      const found = nearest(event.origin, column(heads, "layer_jitter"), column(heads, "entropy"), event)
      if (found != null) choose(heads, found)
    }
  }

  return { MISSING, choose, meanAndDeviation, nearest, redraw, row, table, tap, update }
})()
