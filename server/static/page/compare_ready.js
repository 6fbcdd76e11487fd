// What the page of two stores does once Bokeh has drawn it.
headbrush.ready.whenDrawn(() => {
  document.documentElement.dataset.ready = ""
  headbrush.theme.show()
})
