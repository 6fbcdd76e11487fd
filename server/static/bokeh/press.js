// Bokeh takes a button that is held still for 0.3 s for a press, and drops the drag or tap after it:
// who aims before drawing, or whose browser is busy for that long, brushes nothing. On a canvas a
// press never comes (of Bokeh's own tools only those that edit points want one, and a double tap does
// the same); on a button of a toolbar it still opens the menu. `press_threshold` is a public static
// of BokehJS 3.8.2 and 3.9.2, read when the button goes down.
;(() => {
  const NEVER_MS = 2 ** 31 - 1 // the longest timeout that browsers know
  const { UIGestures } = Bokeh.require("core/ui_gestures")
  const usual = UIGestures?.press_threshold
  if (usual === undefined) {
    console.error("headbrush: this BokehJS has no UIGestures.press_threshold; held drags are lost")
    return
  }
  if (usual === NEVER_MS) return // another copy of this script is at work: parts of two reports
  addEventListener(
    "pointerdown",
    (event) => {
      const [target] = event.composedPath() // also within the shadow roots of Bokeh
      const isOnCanvas = target instanceof Element && target.classList.contains("bk-events")
      UIGestures.press_threshold = isOnCanvas ? NEVER_MS : usual
    },
    { capture: true },
  )
})()
