// Numbers in words.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.numbers = (() => {
  /**
   * Digits in groups of three, for example 12 345.
   * @param {number} whole
   */
  const grouped = (whole) => String(whole).replace(/\B(?=(\d{3})+$)/g, "\u00a0")

  /**
   * To three significant digits.
   * @param {number} value
   */
  const rounded = (value) => Number(value.toPrecision(3))

  return { grouped, rounded }
})()
