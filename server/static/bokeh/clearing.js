// Before Bokeh paints a layer of a plot it clears the layer, but half a pixel too far to the right
// and below: half the colour of the topmost row and the leftmost column stays, such as dots of an
// axis label that was cut off there before a resize. `CanvasLayer` is in no manual, looked at in 3.8.2
// and 3.9.2. Without it pages work as before, with such dots.
;(() => {
  const layer = Bokeh.require("core/util/canvas").CanvasLayer?.prototype
  const usual = layer?.clear
  if (usual === undefined) {
    console.error("headbrush: this BokehJS has no CanvasLayer.clear; old labels leave dots behind")
    return
  }
  layer.clear = function clear() {
    if (this.backend === "svg") return usual.call(this) // a larger rectangle would be drawn in white
    const { width, height } = this.bbox
    this.ctx.clearRect(-1, -1, width + 2, height + 2)
  }
})()
