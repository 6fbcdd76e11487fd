// Whenever Bokeh paints a plot it writes the place of each of its parts into a style sheet, also the
// place that is there already, and the browser then works out all styles anew: half the time of an
// answer. Only what differs is written.
(() => {
  const sheet = Bokeh.require("core/dom").InlineStyleSheet?.prototype, write = sheet?._update
  if (write == null) return
  sheet._update = function (css) {
    if (this.css !== css) write.call(this, css)
  }
})()
