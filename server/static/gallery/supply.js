// What the gallery shows: from the server, which is asked for the images in sight and no others, or
// in a report from the source of its images.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.gallerySupply = (() => {
  const PATIENCE_MS = 3000
  const MOST_ROWS = 2000
  const MOST_PICTURES = 800 // twice what the server counts on (server/views/images/gallery.py)
  const column = (/** @type {BokehModel} */ source, /** @type {string} */ name) =>
    source.get_column(name)

  /**
   * Drop the oldest entries.
   * @param {Map<number, any>} kept
   * @param {number} most
   */
  function bound(kept, most) {
    for (const key of kept.keys()) {
      if (kept.size <= most) return
      kept.delete(key)
    }
  }

  /**
   * @param {BokehModel} images
   * @param {number} number
   */
  function about(images, number) {
    const take = (/** @type {string} */ name) => column(images, name)[number]
    return { number, name: take("name"), truth: take("label"), guess: take("predicted") }
  }

  /**
   * @param {BokehModel} told
   * @param {BokehModel} asked
   * @param {() => void} changed
   * @returns {GallerySupply}
   */
  function fromServer(told, asked, changed) {
    /** @type {Map<number, Omit<GalleryTile, "picture">>} images by their places */
    const rows = new Map()
    /** @type {Map<number, string>} by the images' numbers */
    const pictures = new Map()
    let head = told.tags[0]
    let stamp = 0
    let waitsSince = Number.NEGATIVE_INFINITY

    /** @param {unknown[]} words */
    const act = (...words) => {
      asked.tags = [...words, stamp++]
    }
    function take() {
      const [next, first, list] = told.tags
      if (next.version !== head.version) rows.clear()
      head = next
      if (list.length > 0) waitsSince = Number.NEGATIVE_INFINITY
      for (const [at, row] of list.entries()) {
        const [number, value, isBrushed, kind, picture, name, truth, guess] = row
        rows.set(first + at, { number, value, isBrushed, kind, name, truth, guess })
        if (picture === "") continue
        pictures.delete(number)
        pictures.set(number, picture)
      }
      bound(rows, MOST_ROWS)
      bound(pictures, MOST_PICTURES)
      changed()
    }
    /** @param {number} place */
    function tile(place) {
      const row = rows.get(place)
      if (row == null) return null
      const picture = pictures.get(row.number)
      return picture == null ? null : { ...row, picture }
    }
    /**
     * @param {number} first
     * @param {number} last
     */
    function want(first, last) {
      if (performance.now() - waitsSince < PATIENCE_MS) return
      let [begin, end] = [first, Math.min(last, head.count - 1)]
      while (begin <= end && tile(begin) != null) begin++
      while (end >= begin && tile(end) != null) end--
      if (begin > end) return
      waitsSince = performance.now()
      act("rows", begin, end)
    }
    told.properties.tags.change.connect(take)
    return {
      act: (name, ...words) => act(name, head.version, ...words),
      choose: act,
      end: () => told.properties.tags.change.disconnect(take),
      head: () => head,
      tile,
      want,
    }
  }

  /**
   * @param {string} direction
   * @param {boolean} hasLoss
   */
  function wordsOf(direction, hasLoss) {
    if (!hasLoss) return "file order"
    return direction === "down" ? "largest loss first" : "smallest loss first"
  }

  /**
   * The images of a report whose pictures it holds, by their loss.
   * @param {BokehModel} images
   * @param {() => void} changed
   * @returns {GallerySupply}
   */
  function fromReport(images, changed) {
    let [of, direction] = ["brushed", "down"]
    /** @type {number[]} */
    let order = []
    /** @type {Set<number>} */
    let brushed = new Set()
    let isBrushed = false
    let version = 0
    let goesUp = true

    function sort() {
      const [pictures, chances, within, shares] = [
        "thumbnail",
        "probability",
        "within",
        "share",
      ].map((name) => column(images, name))
      const every = Array.from(pictures, (_, at) => at).filter((at) => pictures[at] !== "")
      const own = new Set(images.selected.indices)
      const isIn = (/** @type {number} */ at) =>
        (own.size === 0 || own.has(at)) && within[at] !== 0 && shares[at] !== 0
      brushed = new Set(every.filter(isIn))
      isBrushed = own.size > 0 || every.length > brushed.size
      const sign = direction === "down" ? 1 : -1
      const last = (/** @type {number} */ at) => Number(Number.isNaN(chances[at]))
      order = every
        .filter((at) => of === "all" || brushed.has(at))
        .sort((a, b) => last(a) - last(b) || sign * (chances[a] - chances[b]) || a - b)
      version++
      changed()
    }
    function follow() {
      goesUp = of === "brushed"
      sort()
    }
    /** @param {number} place */
    function tile(place) {
      const number = order[place]
      if (number == null) return null
      const loss = -Math.log(column(images, "probability")[number])
      const value = Number.isNaN(loss) ? "" : Number.isFinite(loss) ? loss.toPrecision(2) : "∞"
      return {
        ...about(images, number),
        value: value.startsWith("-") ? "0" : value,
        isBrushed: isBrushed && brushed.has(number),
        kind: column(images, "correct")[number],
        picture: column(images, "thumbnail")[number],
      }
    }
    /**
     * @param {number[]} numbers
     * @param {Combine} combine
     */
    const join = (numbers, combine) => {
      const { selected } = images
      const sorted = [...numbers].sort((a, b) => a - b)
      selected.indices = headbrush.combine.joinIds([...selected.indices], sorted, combine)
    }
    /** @type {Record<string, (...words: any[]) => void>} */
    const acts = {
      select(place) {
        images.tags = [order[place] === images.tags[0] ? null : order[place]]
      },
      brush(combine, [top, bottom], [left, right], wide) {
        const isWithin = (/** @type {number} */ at) =>
          at % wide >= left && at % wide <= right && at >= top * wide && at < (bottom + 1) * wide
        join(
          order.filter((_, at) => isWithin(at)),
          combine,
        )
      },
      toggle(place) {
        const isOwn = images.selected.indices.includes(order[place])
        join([order[place]], isOwn ? "subtract" : "add")
      },
    }
    const { data, tags } = images.properties
    const { indices } = images.selected.properties
    for (const one of [data, indices]) one.change.connect(follow)
    tags.change.connect(changed)
    sort()
    return {
      act: (name, ...words) => acts[name](...words),
      choose(name, value) {
        if (name === "of") of = value
        else direction = value
        goesUp = true
        sort()
      },
      end() {
        for (const one of [data, indices]) one.change.disconnect(follow)
        tags.change.disconnect(changed)
      },
      head: () => ({
        version,
        count: order.length,
        total: column(images, "thumbnail").length,
        isBrushed,
        of,
        direction,
        words: wordsOf(direction, !column(images, "probability").every(Number.isNaN)),
        image: images.tags[0],
        place: order.indexOf(images.tags[0]),
        goesUp,
      }),
      tile,
      want() {},
    }
  }

  return { fromReport, fromServer }
})()
