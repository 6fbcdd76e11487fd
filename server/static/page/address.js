// The page's address follows the state once it is at rest: each change of it costs milliseconds, and
// browsers refuse too many. Which stores are shown stays in it.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.address = (() => {
  const REST_MS = 200
  /** @type {ReturnType<typeof setTimeout> | null} */
  let due = null

  /** Write a change that still rests. */
  function show() {
    if (due == null) return
    clearTimeout(due)
    due = null
    const shown = new URLSearchParams(location.search)
    const stores = ["store", "with"]
      .filter((key) => shown.has(key))
      .map((key) => `&${key}=${encodeURIComponent(shown.get(key) ?? "")}`)
    const [query] = headbrush.ready.model("link").tags
    history.replaceState(null, "", `?${query}${stores.join("")}`)
  }

  headbrush.ready.whenShown(() => {
    headbrush.ready.model("link").properties.tags.change.connect(() => {
      if (due != null) clearTimeout(due)
      due = setTimeout(show, REST_MS)
    })
  })
  addEventListener("pagehide", show)
  return { show }
})()
