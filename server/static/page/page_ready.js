// What the page of a store does once Bokeh has drawn it: theme, hidden summaries, hint.
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

  function followSummaries() {
    const summaries = ready.model("summaries")
    summaries.properties.tags.change.connect(() => {
      for (let at = 0; at < summaries.tags.length; at += 2) {
        const [name, text] = summaries.tags.slice(at, at + 2)
        ready.element(`summary-${name}`).replaceChildren(text)
      }
    })
    summaries.tags = [] // asks for those that came before this page listened
  }

  ready.whenShown(theme.show) // at once: the server may have much to draw again
  ready.whenDrawn(() => {
    document.documentElement.dataset.ready = ""
    followSummaries()
    theme.show()
  })
})()
