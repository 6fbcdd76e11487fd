// Brushing without a server: means, bands and counts are computed here, from 16-bit codes of the
// values (server/pages/report/browser/brushing.py makes them). `args.shown` says which views are in the
// report.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.report = (() => {
  const { largest, meanAndDeviation, rowOf, tableOf } = headbrush.tables
  const column = (/** @type {BokehModel} */ source, /** @type {string} */ name) =>
    source.get_column(name)
  const setData = (/** @type {BokehModel} */ source, /** @type {object} */ columns) =>
    source.setv({ data: columns }, { sync: false, check_eq: false })
  const range = (/** @type {number} */ count) => Array.from({ length: count }, (_, at) => at)
  const most = (/** @type {Iterable<number>} */ counts) => largest([1], counts)

  /**
   * The parts of a report by name; one that is not there is an error.
   * @param {object} named
   * @returns {ReportArgs}
   */
  function parts(named) {
    return new Proxy(/** @type {any} */ (named), {
      get(target, name) {
        if (!(name in target)) throw new Error(`the report has no part named "${String(name)}"`)
        return target[name]
      },
    })
  }

  /**
   * All columns of a source.
   * @param {BokehModel} source
   */
  function columnsOf({ data }) {
    return data instanceof Map ? Object.fromEntries(data) : { ...data }
  }

  /**
   * Which images a brush of patterns leaves that cannot change, null where it can.
   * @param {ReportArgs} args
   */
  const withinOf = (args) =>
    headbrush.patterns.hasPlaces(args) ? null : column(args.images, "within")

  /**
   * What is brushed; of a brush of patterns only what has some of them.
   * @param {ReportArgs} args
   * @returns {Brushed}
   */
  function brushOf(args) {
    const { patterns } = headbrush
    const [allImages, allHeads] = [args.images, args.heads].map((one) => range(one.get_length()))
    const [ofImages, ofHeads] = [args.images, args.heads].map((one) =>
      Array.from(one.selected.indices),
    )
    const isOf = patterns.isActive(args)
    const within = withinOf(args)
    const images = (ofImages.length ? ofImages : allImages).filter((at) => within?.[at] ?? true)
    const heads = ofHeads.length ? ofHeads : allHeads
    const tally = (/** @type {number[]} */ some, /** @type {number[]} */ others) =>
      patterns.tally(args, some, others, allHeads.length)
    const ofBoth = tally(images, heads)
    const ofAllHeads = tally(images, allHeads)
    const kept = (/** @type {number[]} */ list, /** @type {Uint32Array} */ counts) =>
      isOf ? list.filter((at) => counts[at] > 0) : list
    const isSome = ofImages.length > 0 || ofHeads.length > 0 || images.length < allImages.length
    return {
      isOf,
      isAny: isOf || isSome,
      sum: ofBoth.sum,
      images: kept(images, ofBoth.byImage),
      heads: kept(heads, ofBoth.byHead),
      imagesOfAllHeads: kept(images, ofAllHeads.byImage),
      headCounts: ofAllHeads.byHead,
      imageCounts: isOf ? tally(allImages, heads).byImage : null,
    }
  }

  /** @param {ReportArgs} args */
  function shownMetric(args) {
    const name = `codes_${args.metric.value}`
    const codes = args.importance.find((/** @type {BokehModel} */ one) => one.name === name)
    if (codes == null) throw new Error(`the report has no codes named "${name}"`)
    return codes
  }

  /**
   * P[true class] of the selected image, beside the pruned ones; null where these are not shown.
   * @param {ReportArgs} args
   * @param {number | null} image
   * @returns {number | null}
   */
  function levelOf(args, image) {
    if (args.metric.value !== "probability" || image == null) return null
    return column(args.images, "probability")[image]
  }

  const negated = (/** @type {Float64Array} */ values) => values.map((value) => -value)

  /**
   * Draw mean, band and the selected image's line of a metric; returns the line.
   * @param {ReportArgs} args
   * @param {number[]} images
   * @param {number | null} image
   */
  function drawImportance(args, images, image) {
    if (!args.shown.includes("head_importance")) return column(args.heads, "value")
    const values = tableOf(shownMetric(args), args.heads.get_length())
    const { mean, deviation } = meanAndDeviation(values, images)
    const low = mean.map((value, at) => value - deviation[at])
    const high = mean.map((value, at) => value + deviation[at])
    const line = image == null ? mean : rowOf(values, image)
    setData(args.importance_band, { number: Array.from(mean.keys()), mean, low, high })
    const isSigned = args.metric.value === "direct"
    const level = isSigned ? 0 : levelOf(args, image)
    args.importance_reference.visible = level != null
    if (level != null) args.importance_reference.location = level
    const plot = args.importance_plot
    const least = isSigned ? -largest([0], ...[low, line].map(negated)) * 1.06 : 0
    plot.tags = [largest(high, line, [level ?? 0]) * 1.06 || 0.01, least]
    const plots = [plot, ...args.beside]
    const start = Math.min(...plots.map(({ tags }) => tags[1]))
    const end = Math.max(...plots.map(({ tags }) => tags[0]))
    for (const { y_range } of plots) y_range.setv({ start, end })
    plot.left[0].axis_label = values.title
    return line
  }

  /**
   * Entropy of every head.
   * @param {ReportArgs} args
   * @param {number[]} images
   * @param {number | null} image
   */
  function entropyOf(args, images, image) {
    if (!args.shown.includes("entropy")) return column(args.heads, "entropy")
    const values = tableOf(args.entropy, args.heads.get_length())
    return image == null ? meanAndDeviation(values, images).mean : rowOf(values, image)
  }

  /**
   * @param {ReportArgs} args
   * @param {number[]} images
   */
  function drawHops(args, images) {
    for (const source of args.hops) {
      const shown = source.tags[3]
      const { mean, deviation } = meanAndDeviation(tableOf(source, shown.get_length()), images)
      const low = mean.map((value, at) => Math.max(value - deviation[at], 0))
      const high = mean.map((value, at) => value + deviation[at])
      setData(shown, { ...columnsOf(shown), mean, low, high })
    }
  }

  /**
   * Ring the selected point, if one is selected.
   * @param {BokehModel} source
   * @param {BokehModel} points
   * @param {number | null} selected
   * @param {string} x
   * @param {string} y
   */
  function ring(source, points, selected, x, y) {
    const at = selected == null ? [] : [selected]
    setData(source, {
      x: at.map((number) => column(points, x)[number]),
      y: at.map((number) => column(points, y)[number]),
    })
  }

  /**
   * The dots of heads or images are the larger the more of their patterns are brushed.
   * @param {BokehModel} source
   * @param {Uint32Array | null} counts null where no patterns are brushed
   * @param {number} of patterns of each
   * @param {BokehModel | null} plot null where it is not shown
   */
  function drawShares(source, counts, of, plot) {
    const largest = counts == null ? 1 : most(counts)
    const share = Float32Array.from({ length: source.get_length() }, (_, at) =>
      counts == null ? -1 : counts[at] / largest,
    )
    setData(source, { ...columnsOf(source), share })
    if (plot == null) return
    const label = plot.center.find((/** @type {any} */ one) => one.name === "share_words")
    if (label == null) throw new Error(`the plot "${plot.name}" has no part named "share_words"`)
    const percent = Math.round((100 * largest) / of)
    label.text = counts == null ? "" : `dot size: share of patterns brushed (max ${percent}\u00a0%)`
  }

  /**
   * @param {ReportArgs} args
   * @param {Brushed} brushed
   */
  function drawCounts(args, { isOf, headCounts, imageCounts }) {
    const { images, heads, shown } = args
    const [overview, plot] = [
      shown.includes("entropy")
        ? args.overview_plot
        : shown.includes("bits")
          ? args.bits_plot
          : null,
      shown.includes("image_overview") ? args.images_plot : null,
    ]
    drawShares(heads, isOf ? headCounts : null, images.get_length(), overview)
    drawShares(images, imageCounts, heads.get_length(), plot)
    if (!shown.includes("counts")) return
    for (const { glyph } of args.head_counts.renderers) {
      for (const { transform } of [glyph.fill_color, glyph.text_color]) {
        if (transform != null) transform.high = most(headCounts) // numbers are black or white
      }
    }
  }

  /**
   * Draw all that follows from the brush, the metric and what is selected.
   * @param {ReportArgs} args
   */
  function update(args) {
    const { images, heads, shown } = args
    const [image] = images.tags
    const [head] = heads.tags
    const brushed = brushOf(args)
    const line = drawImportance(args, brushed.imagesOfAllHeads, image)
    const entropy = entropyOf(args, brushed.imagesOfAllHeads, image)
    const counts = Int32Array.from(brushed.headCounts)
    const told = Array.from(line, (value) => String(headbrush.numbers.rounded(value)))
    setData(heads, { ...columnsOf(heads), value: line, told, entropy, brushed: counts })
    drawCounts(args, brushed)
    drawHops(args, brushed.imagesOfAllHeads)
    headbrush.patterns.draw(args, brushed.isAny ? brushed : null, image, head)
    if (shown.includes("head_importance")) args.importance_cursor.location = head
    if (shown.includes("entropy")) ring(args.head_ring, heads, head, "layer_jitter", "entropy")
    if (shown.includes("bits")) ring(args.bits_ring, heads, head, "fixed", "content")
    if (shown.includes("image_overview")) ring(args.image_ring, images, image, "x", "y")
    const values = {
      ...(shown.includes("head_importance") ? { head_importance: line } : {}),
      ...(shown.includes("strength_overview") ? { strength_overview: entropy } : {}),
    }
    headbrush.captions.sayHeads(args, brushed, image, values)
    headbrush.captions.sayCounts(args, brushed, image)
  }

  /**
   * Draw only the patterns, in another range or size.
   * @param {ReportArgs} args
   */
  function redraw(args) {
    const brushed = brushOf(args)
    const [image, head] = [args.images.tags[0], args.heads.tags[0]]
    headbrush.patterns.draw(args, brushed.isAny ? brushed : null, image, head)
  }

  /**
   * The nearest point within reach of a tap, null if there is none.
   * @param {BokehModel} plot
   * @param {ArrayLike<number>} xs
   * @param {ArrayLike<number>} ys
   * @param {{x: number, y: number}} event
   * @param {number} reach in pixels
   * @returns {number | null}
   */
  function nearest(plot, xs, ys, event, reach = 24) {
    const { x_range: across, y_range: up } = plot
    const perX = plot.inner_width / Math.abs(across.end - across.start)
    const perY = plot.inner_height / Math.abs(up.end - up.start)
    let best = null
    let least = reach
    for (let at = 0; at < xs.length; at++) {
      const distance = Math.hypot((xs[at] - event.x) * perX, (ys[at] - event.y) * perY)
      if (distance > least || Number.isNaN(distance)) continue
      best = at
      least = distance
    }
    return best
  }

  /**
   * A tap selects an image, or lets go of the selected one.
   * @param {ReportArgs} args
   * @param {any} event
   */
  function tapImage({ images }, event) {
    const image = nearest(event.origin, column(images, "x"), column(images, "y"), event)
    images.tags = [image === images.tags[0] ? null : image]
  }

  /**
   * Show the images as a layout, or as a gallery.
   * @param {ReportArgs} args
   * @param {BokehModel} form
   */
  function chooseForm({ images_plot: plot, image_legend: legend, image_gallery: gallery }, form) {
    const isGallery = form.active === 1
    plot.visible = !isGallery
    legend.visible = !isGallery
    gallery.visible = isGallery
  }

  /**
   * A tap selects a head.
   * @param {ReportArgs} args
   * @param {any} event
   */
  function tapHead({ heads, shown }, event) {
    const [x, y] = shown.includes("bits") ? ["fixed", "content"] : ["layer_jitter", "entropy"]
    const [xs, ys] = [column(heads, x), column(heads, y)]
    const head = nearest(event.origin, xs, ys, event)
    if (head != null) heads.tags = [head]
  }

  /**
   * The line over the heads selects the one where it stands.
   * @param {ReportArgs} args
   * @param {BokehModel} line
   */
  function chooseHead({ heads }, line) {
    heads.tags = [line.tags[0]]
  }

  return { chooseForm, chooseHead, nearest, parts, redraw, shownMetric, tapHead, tapImage, update }
})()
