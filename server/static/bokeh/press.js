// Bokeh takes a button that is held still for 0.3 s for a press, and drops the drag or tap after it:
// who aims before drawing, or whose browser is busy for that long, brushes nothing. No tool of these
// plots wants a press (of Bokeh's own only those that edit points do, which a double tap starts as
// well), so it never comes. `press_threshold` is a public static of BokehJS 3.8.2 and 3.9.2.
;(() => {
  const NEVER_MS = 2 ** 31 - 1 // the longest timeout that browsers know
  const { UIGestures } = Bokeh.require("core/ui_gestures")
  if (UIGestures?.press_threshold === undefined) {
    console.error("headbrush: this BokehJS has no UIGestures.press_threshold; held drags are lost")
    return
  }
  UIGestures.press_threshold = NEVER_MS
})()
