// Two stores in one report: what is brushed or selected in one is in the other, where that has it.
// server/pages/report/browser/pairing.py says what is the same.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.pair = (() => {
  /**
   * What was written to models, as text, until they have told of it: Bokeh runs scripts later.
   * @type {WeakMap<BokehModel, string>}
   */
  const written = new WeakMap()
  const text = (/** @type {any} */ value) =>
    typeof value === "string" ? value : JSON.stringify(Array.from(value))

  /**
   * Write to the other store, unless this store's change was written by the other.
   * @param {BokehModel} own
   * @param {BokehModel} other
   * @param {string} property
   * @param {any} value
   */
  function pass(own, other, property, value) {
    const told = written.get(own)
    written.delete(own)
    if (told === text(own[property]) || text(other[property]) === text(value)) return
    written.set(other, text(value))
    other[property] = value
  }

  /**
   * @param {BokehModel} source
   * @param {BokehModel} other
   * @param {number[]} same number in the other store, or -1
   */
  function brush({ selected }, other, same) {
    const there = Array.from(selected.indices, (at) => same[at])
    const indices = there.filter((at) => at >= 0).sort((one, two) => one - two)
    pass(selected, other.selected, "indices", indices)
  }

  /**
   * @param {BokehModel} source
   * @param {BokehModel} other
   * @param {number[]} same
   */
  function selectImage(source, other, same) {
    const there = source.tags[0] == null ? -1 : same[source.tags[0]]
    pass(source, other, "tags", [there < 0 ? null : there])
  }

  /**
   * @param {BokehModel} source
   * @param {BokehModel} other
   * @param {number[]} same
   */
  function selectHead(source, other, same) {
    const there = same[source.tags[0]]
    pass(source, other, "tags", there < 0 ? other.tags : [there])
  }

  /**
   * @param {BokehModel} metric
   * @param {BokehModel} other
   */
  function choose(metric, other) {
    const { value } = metric
    const has = other.options.some((/** @type {string[]} */ option) => option[0] === value)
    pass(metric, other, "value", has ? value : other.value)
  }

  return { brush, choose, selectHead, selectImage }
})()
