// A tap or drag moves a line, unless the drag belongs to an active tool; called by Bokeh. The tags
// tell the server the place, and whether the drag has ended.
export default ({ line, toolbar, low, high, whole }, event) => {
  const isFinal = event.event_name !== "pan"
  if (event.event_name !== "tap" && toolbar.gestures.pan.active != null) return
  const place = Math.min(high, Math.max(low, whole ? Math.round(event.x) : event.x))
  if (!isFinal && place === line.location) return
  line.location = place
  line.tags = [place, isFinal, event.sx]
}
