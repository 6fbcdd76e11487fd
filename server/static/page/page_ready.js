// What the page does once Bokeh has drawn it: theme, hidden summaries, hint.
(() => {
  document.getElementById("theme").addEventListener("click", hbTheme.toggle)

  const hint = document.getElementById("hint")
  const SEEN = "headbrush_hint_seen"
  try { hint.hidden = localStorage.getItem(SEEN) != null } catch { /* shown each time */ }
  hint.querySelector("button").addEventListener("click", () => {
    hint.hidden = true
    try { localStorage.setItem(SEEN, "1") } catch { /* shown again */ }
  })

  function when(ready, act) {
    const bokeh = window.Bokeh?.documents[0]
    bokeh?.get_model_by_name("summaries") && ready(bokeh) ? act(bokeh) :
      setTimeout(() => when(ready, act), 30)
  }
  when(() => true, hbTheme.show) // at once: the server may have much to draw anew
  when((bokeh) => bokeh.is_idle, (bokeh) => {
    document.documentElement.dataset.ready = ""
    const told = bokeh.get_model_by_name("summaries")
    told.properties.tags.change.connect(() => {
      for (let at = 0; at < told.tags.length; at += 2) {
        const [name, text] = told.tags.slice(at, at + 2)
        document.getElementById("summary-" + name)?.replaceChildren(text)
      }
    })
    told.tags = [] // asks for what was told before this page listened
    hbTheme.show()
  })
})()
