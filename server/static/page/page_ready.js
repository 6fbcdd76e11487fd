// What the page of a store does once Bokeh has drawn it: theme, summaries, hint.
;(() => {
  const { ready, theme } = headbrush
  const SEEN = "headbrush_hint_seen"
  const hint = ready.element("hint")
  try {
    hint.hidden = localStorage.getItem(SEEN) != null
  } catch {
    // Shown each time
  }
  hint.querySelector("button").addEventListener("click", () => {
    hint.hidden = true
    try {
      localStorage.setItem(SEEN, "1")
    } catch {
      // Shown again
    }
  })

  ready.whenShown(theme.show) // at once: the server may have much to draw again
  ready.whenDrawn(() => {
    document.documentElement.dataset.ready = ""
    headbrush.summaries.follow()
    theme.show()
  })
})()
