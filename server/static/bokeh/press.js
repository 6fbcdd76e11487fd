// Bokeh takes a button that is held still for 0.3 s for a press, and drops the drag or tap after it:
// who aims before drawing, or whose browser is busy for that long, brushes nothing. On the canvas of
// a plot without a tool that wants a press it never comes; on a button of a toolbar it still opens
// the menu. `press_threshold` is a public static of BokehJS 3.8.2 and 3.9.2, read when the button
// goes down.
;(() => {
  const NEVER_MS = 2 ** 31 - 1 // the longest timeout that browsers know
  const WANT_PRESS = new Set([
    "BoxEditTool",
    "LineEditTool",
    "PolyDrawTool",
    "PolyEditTool",
    "PolySelectTool",
  ])
  const { UIGestures } = Bokeh.require("core/ui_gestures")
  const usual = UIGestures?.press_threshold
  if (usual === undefined) {
    console.error("headbrush: this BokehJS has no UIGestures.press_threshold; held drags are lost")
    return
  }
  if (usual === NEVER_MS) return // another copy of this script is at work: parts of two reports

  /**
   * Whether a plot has a tool that wants a press; a page may hold plots of others.
   * @param {EventTarget[]} path
   */
  function isWanted(path) {
    const isPressed = (/** @type {any} */ view) =>
      view.model.type === "Figure" && path.includes(view.el)
    const plots = [...Bokeh.index.query(isPressed)]
    return plots.some(({ model }) =>
      model.toolbar.tools.some((/** @type {BokehModel} */ tool) => WANT_PRESS.has(tool.type)),
    )
  }

  addEventListener(
    "pointerdown",
    (event) => {
      const path = event.composedPath() // also within the shadow roots of Bokeh
      const isOnCanvas = path[0] instanceof Element && path[0].classList.contains("bk-events")
      UIGestures.press_threshold = isOnCanvas && !isWanted(path) ? NEVER_MS : usual
    },
    { capture: true },
  )
})()
