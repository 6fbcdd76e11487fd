// What the page of two stores does once Bokeh has drawn it.
headbrush.ready.whenDrawn(() => {
  document.documentElement.dataset.ready = ""
  for (const side of ["a_", "b_"]) headbrush.summaries.follow(side)
  headbrush.theme.show()
})
