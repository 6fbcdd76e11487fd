// What the page of two stores does once Bokeh has drawn it.
(() => {
  document.getElementById("theme").addEventListener("click", hbTheme.toggle)
  function begin() {
    const bokeh = window.Bokeh?.documents[0]
    if (!bokeh?.get_model_by_name("theme") || !bokeh.is_idle) return setTimeout(begin, 30)
    document.documentElement.dataset.ready = ""
    hbTheme.show()
  }
  begin()
})()
