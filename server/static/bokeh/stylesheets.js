// Whenever Bokeh paints a plot it writes the place of each of its parts into a style sheet, also the
// place that is there already, and the browser then works out all styles again: half the time of an
// answer. Only what differs is written. BokehJS has no public way: `_update` is private, looked at in
// 3.8.2 and 3.9.2. Without it pages work as before, only slower.
;(() => {
  const sheet = Bokeh.require("core/dom").InlineStyleSheet?.prototype
  const write = sheet?._update
  if (write === undefined) {
    console.error("headbrush: this BokehJS has no InlineStyleSheet._update; pages answer slowly")
    return
  }
  sheet._update = function update(/** @type {string} */ css) {
    if (this.css !== css) write.call(this, css)
  }
})()
