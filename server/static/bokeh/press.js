// Bokeh takes a button that is held still for 0.3 s for a press, and drops the drag after it: who
// aims before drawing, or whose browser is busy for that long, draws nothing. Where no tool of a
// plot wants a press, a drag or a tap follows however long the button was held.
(() => {
  const gestures = Bokeh.require("core/ui_gestures").UIGestures?.prototype
  const press = gestures?._pointer_timeout
  if (press == null) return
  gestures._pointer_timeout = function () {
    press.call(this)
    const tools = this.handlers._tools
    if (tools != null && ![...tools.values()].some((view) => view._press != null)) this.phase = "started"
  }
})()
