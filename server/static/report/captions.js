// The words under the plots of a report, in numbers.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.captions = (() => {
  /**
   * Put words into an element of the report's own page; the parts of a report in another page have
   * only the words of the views that it took.
   * @param {string} id
   * @param {string} words
   */
  function write(id, words) {
    const isOwnPage = document.querySelector("main.hb-report") != null
    const place = isOwnPage ? headbrush.ready.element(id) : document.getElementById(id)
    place?.replaceChildren(words)
  }

  /**
   * @param {number} part
   * @param {number} all
   * @param {string} things
   */
  function share(part, all, things) {
    const { grouped } = headbrush.numbers
    return `${grouped(part)} of ${grouped(all)} ${things}`
  }

  /**
   * Say what the views of heads show.
   * @param {ReportArgs} args
   * @param {Brushed} brushed
   * @param {number | null} image
   * @param {Record<string, number[]>} values by view
   */
  function sayHeads(args, brushed, image, values) {
    const { grouped, rounded } = headbrush.numbers
    const labels = args.heads.get_column("label")
    const [head] = args.heads.tags
    const count = brushed.imagesOfAllHeads.length
    const isAll = count === args.images.get_length()
    const mean = `the mean over ${isAll ? "all" : "the"} ${grouped(count)} ${isAll ? "" : "brushed "}images`
    const of = image == null ? mean : args.images.get_column("name")[image]
    for (const [view, list] of Object.entries(values)) {
      const what =
        view === "head_importance" ? headbrush.report.shownMetric(args).tags[2] : "Entropy"
      const [least, most] = headbrush.tables.extremes(list)
      if (least == null || most == null) continue // the metric is not defined
      const ends = `highest ${rounded(list[most])} at ${labels[most]}, lowest ${rounded(list[least])} at ${labels[least]}`
      const own = `selected head ${labels[head]}: ${rounded(list[head])}`
      write(`words-${args.side}${view}`, `${what}, ${of}: ${ends}; ${own}.`)
    }
  }

  /**
   * Say what is brushed and selected.
   * @param {ReportArgs} args
   * @param {Brushed} brushed
   * @param {number | null} image
   */
  function sayCounts(args, brushed, image) {
    const { images, heads, shown } = args
    const { grouped } = headbrush.numbers
    const [allImages, allHeads] = [images.get_length(), heads.get_length()]
    const patterns = share(brushed.sum, allImages * allHeads, "patterns")
    const counts = [
      share(brushed.images.length, allImages, "images"),
      share(brushed.heads.length, allHeads, "heads"),
      ...(shown.includes("pattern_places") ? [patterns] : []),
    ]
    const none = "nothing brushed: all images and heads"
    if (shown.length > 0)
      write(`${args.side}report_brushed`, brushed.isAny ? `brushed: ${counts.join(" · ")}` : none)
    if (shown.includes("image_overview")) {
      const about = (/** @type {string} */ name) => images.get_column(name)[image ?? 0]
      const chosen = `selected: ${about("name")}, true ${about("label")}, predicted ${about("predicted")}`
      const some = brushed.isAny ? `${grouped(brushed.images.length)} brushed; ` : ""
      const selected = image == null ? "none is selected" : chosen
      write(`words-${args.side}image_overview`, `${grouped(allImages)} images; ${some}${selected}.`)
    }
    if (shown.includes("pattern_places")) {
      const some = `${patterns} are brushed, the others are grey.`
      const all = `${grouped(allImages * allHeads)} patterns, none of them brushed.`
      write(`words-${args.side}pattern_layout`, brushed.isAny ? some : all)
    }
  }

  return { sayCounts, sayHeads }
})()
