// Tables of 16-bit codes that stand for the values of a store, and statistics of their rows: all of it
// pure. server/pages/report/browser/quantise.py makes the codes.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.tables = (() => {
  const MISSING = 65535

  /**
   * A source of codes as a table.
   * @param {BokehModel} source
   * @param {number} width values in a row
   * @returns {Table}
   */
  function tableOf(source, width) {
    const [low, step, title] = source.tags
    return { codes: source.get_column("code"), width, low, step, title }
  }

  /**
   * @param {Table} table
   * @param {number} row
   * @param {number} at
   */
  function valueAt({ codes, width, low, step }, row, at) {
    const code = codes[row * width + at]
    return code === MISSING ? Number.NaN : low + code * step
  }

  /**
   * @param {Table} table
   * @param {number} row
   */
  const rowOf = (table, row) =>
    Float64Array.from({ length: table.width }, (_, at) => valueAt(table, row, at))

  /**
   * Mean and standard deviation of each column over some rows; NaN of none.
   * @param {Table} table
   * @param {number[]} rows
   */
  function meanAndDeviation(table, rows) {
    const mean = new Float64Array(table.width)
    const squares = new Float64Array(table.width)
    for (const row of rows) {
      for (let at = 0; at < table.width; at++) mean[at] += valueAt(table, row, at)
    }
    for (let at = 0; at < table.width; at++) mean[at] /= rows.length
    for (const row of rows) {
      for (let at = 0; at < table.width; at++)
        squares[at] += (valueAt(table, row, at) - mean[at]) ** 2
    }
    return { mean, deviation: squares.map((sum) => Math.sqrt(sum / rows.length)) }
  }

  /** @param {Iterable<number>[]} lists */
  function largest(...lists) {
    let largest = Number.NEGATIVE_INFINITY
    for (const list of lists) for (const value of list) if (value > largest) largest = value
    return largest
  }

  /**
   * Where a list is least and largest; nulls of none but NaN.
   * @param {number[]} list
   * @returns {(number | null)[]}
   */
  function extremes(list) {
    /** @type {number | null} */
    let least = null
    /** @type {number | null} */
    let largest = null
    for (let at = 0; at < list.length; at++) {
      if (Number.isNaN(list[at])) continue
      if (least == null || list[at] < list[least]) least = at
      if (largest == null || list[at] > list[largest]) largest = at
    }
    return [least, largest]
  }

  return { extremes, largest, meanAndDeviation, rowOf, tableOf }
})()
