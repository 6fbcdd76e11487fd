// A grid of which only the tiles in sight are in the page, however many there are.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.galleryGrid = (() => {
  const WIDTH = 68
  const HEIGHT = 86
  const BEYOND = 1 // rows above and below that are drawn too

  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} sheet as high as all rows
   * @param {(tile: HTMLElement, place: number) => void} fill
   * @returns {GalleryGrid}
   */
  function make(scroller, sheet, fill) {
    /** @type {Map<number, HTMLElement>} */
    const shown = new Map()
    let count = 0

    const columns = () => Math.max(1, Math.floor(scroller.clientWidth / WIDTH))
    const wide = () => scroller.clientWidth / columns()
    const rows = () => Math.max(1, Math.floor(scroller.clientHeight / HEIGHT))

    /** First and last place in sight. */
    function range() {
      const top = Math.floor(scroller.scrollTop / HEIGHT) - BEYOND
      const bottom = Math.floor((scroller.scrollTop + scroller.clientHeight) / HEIGHT) + BEYOND
      const across = columns()
      return [Math.max(0, top * across), Math.min(count, (bottom + 1) * across) - 1]
    }

    /** @param {number} number of tiles */
    function draw(number) {
      count = number
      const across = columns()
      const width = wide()
      sheet.style.height = `${Math.ceil(count / across) * HEIGHT}px`
      const [first, last] = range()
      const spare = [...shown.keys()].filter((place) => place < first || place > last)
      for (let place = first; place <= last; place++) {
        let tile = shown.get(place)
        if (tile == null) {
          const old = spare.pop()
          tile = old == null ? undefined : shown.get(old)
          if (old != null) shown.delete(old)
          tile ??= sheet.appendChild(document.createElement("div"))
          shown.set(place, tile)
        }
        const [x, y] = [(place % across) * width, Math.floor(place / across) * HEIGHT]
        tile.style.transform = `translate(${x}px, ${y}px)`
        tile.style.width = `${width}px`
        fill(tile, place)
      }
      for (const place of spare) {
        shown.get(place)?.remove()
        shown.delete(place)
      }
      return [first, last]
    }

    /**
     * Row and column under a point of the window, held within the grid.
     * @param {{clientX: number, clientY: number}} point
     */
    function cell({ clientX, clientY }) {
      const box = sheet.getBoundingClientRect()
      const lastRow = Math.max(0, Math.ceil(count / columns()) - 1)
      const row = Math.floor((clientY - box.top) / HEIGHT)
      const column = Math.floor((clientX - box.left) / wide())
      return [clamped(row, lastRow), clamped(column, columns() - 1)]
    }

    /** @param {number} place */
    function reveal(place) {
      const top = Math.floor(place / columns()) * HEIGHT
      const low = top + HEIGHT - scroller.clientHeight
      if (scroller.scrollTop > top) scroller.scrollTop = top
      else if (scroller.scrollTop < low) scroller.scrollTop = Math.min(low, top)
    }

    return { cell, columns, draw, reveal, rows }
  }

  /**
   * @param {number} value
   * @param {number} most
   */
  const clamped = (value, most) => Math.min(Math.max(value, 0), most)

  return { make }
})()
