// Mouse, finger and keys over the gallery: a click selects, a drag brushes what its box touches. A
// finger scrolls, unless the switch "brush" is on.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.galleryGestures = (() => {
  const SLACK = 5 // pixels that a click may move
  const EDGE_SPEED = 0.25

  /**
   * Let a pointer draw a box of cells.
   * @param {HTMLElement} scroller
   * @param {GalleryGrid} grid
   * @param {GalleryHands} hands
   */
  function listen(scroller, grid, hands) {
    /** @type {{x: number, y: number, cell: number[], last: PointerEvent, isDrag: boolean} | null} */
    let press = null
    let swallows = false // the click that ends a drag

    const boxOf = () => {
      if (press == null || !press.isDrag) return null
      const [[r0, c0], [r1, c1]] = [press.cell, grid.cell(press.last)]
      return {
        rows: [Math.min(r0, r1), Math.max(r0, r1)],
        columns: [Math.min(c0, c1), Math.max(c0, c1)],
      }
    }
    function follow() {
      if (press == null || !press.isDrag) return
      const { top, bottom } = scroller.getBoundingClientRect()
      const { clientY } = press.last
      const over = Math.min(clientY - top, 0) + Math.max(clientY - bottom, 0)
      if (over !== 0) scroller.scrollTop += over * EDGE_SPEED
      hands.drawBox(boxOf())
      requestAnimationFrame(follow)
    }
    function drop() {
      press = null
      hands.drawBox(null)
    }

    scroller.addEventListener("pointerdown", (event) => {
      swallows = false
      if (event.button !== 0 || !event.isPrimary) return
      if (event.pointerType === "touch" && !hands.isBrushing()) return
      if (event.offsetX >= scroller.clientWidth && event.target === scroller) return // its scroll bar
      const { clientX: x, clientY: y } = event
      press = { x, y, cell: grid.cell(event), last: event, isDrag: false }
    })
    scroller.addEventListener("pointermove", (event) => {
      if (press == null) return
      press.last = event
      if (press.isDrag || Math.hypot(event.clientX - press.x, event.clientY - press.y) < SLACK)
        return
      press.isDrag = true
      scroller.setPointerCapture(event.pointerId)
      follow()
    })
    scroller.addEventListener("pointerup", (event) => {
      const box = boxOf()
      swallows = box != null
      drop()
      if (box != null) hands.brush(headbrush.combine.fromClick(event), box)
    })
    scroller.addEventListener("pointercancel", drop)
    scroller.addEventListener("click", (event) => {
      if (swallows) return
      const path = /** @type {HTMLElement[]} */ (event.composedPath())
      const place = path.find((part) => part.dataset?.place != null)?.dataset.place
      if (place != null) hands.click(Number(place), headbrush.combine.fromClick(event))
    })
    scroller.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && press != null) {
        swallows = press.isDrag
        drop()
        event.stopPropagation()
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const across = grid.columns()
      /** @type {Record<string, number>} */
      const steps = {
        ArrowLeft: -1,
        ArrowRight: 1,
        ArrowUp: -across,
        ArrowDown: across,
        PageUp: -across * grid.rows(),
        PageDown: across * grid.rows(),
        Home: Number.NEGATIVE_INFINITY,
        End: Number.POSITIVE_INFINITY,
      }
      if (event.key in steps) hands.step(steps[event.key])
      else if (event.key === "Enter") hands.choose("select")
      else if (event.key === " ") hands.choose("toggle")
      else return
      event.preventDefault()
      event.stopPropagation() // these keys step through images elsewhere
    })
  }

  return { listen }
})()
