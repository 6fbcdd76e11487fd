// The page's address follows the state once it is at rest: each change of it costs milliseconds, and
// browsers refuse too many. Which stores are shown stays in it.
const hbAddress = (() => {
  const REST_MS = 200
  let due = null

  function show() {
    if (due == null) return
    clearTimeout(due)
    due = null
    const asked = new URLSearchParams(location.search)
    const stores = ["store", "with"].filter((key) => asked.has(key))
      .map((key) => `&${key}=` + encodeURIComponent(asked.get(key)))
    const [query] = Bokeh.documents[0].get_model_by_name("link").tags
    history.replaceState(null, "", "?" + query + stores.join(""))
  }

  function begin() {
    const link = window.Bokeh?.documents[0]?.get_model_by_name("link")
    if (link == null) return setTimeout(begin, 30)
    link.properties.tags.change.connect(() => {
      clearTimeout(due)
      due = setTimeout(show, REST_MS)
    })
  }
  begin()
  addEventListener("pagehide", show)
  return { show }
})()
