// The page's address follows the state once it is at rest: each change of it costs milliseconds, and
// browsers refuse too many. Which stores are shown stays in it. Steps that can be undone are entries
// of the browser's history, so that Back and Forward are undo and redo.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.address = (() => {
  const REST_MS = 200
  const LONGEST_WALK_MS = 1000 // of the browser through its history; it refuses to go too far back
  const visit = performance.timeOrigin // tells this page from what was here before a reload
  const { isShown, model, whenShown } = headbrush.ready
  /** @type {ReturnType<typeof setTimeout> | null} */
  let due = null
  /** Steps that the browser's entries show, in their order, and which entry is shown now. */
  let entries = [0]
  let at = 0
  /** @type {ReturnType<typeof setTimeout> | null} */
  let walk = null

  function rest() {
    if (due != null) clearTimeout(due)
    due = setTimeout(show, REST_MS)
  }

  /** Write a change that still rests. */
  function show() {
    if (due == null) return
    if (walk != null) return rest()
    clearTimeout(due)
    due = null
    const [query, , step] = model("link").tags
    const place = entries.indexOf(step)
    if (place === -1) {
      at += 1
      entries = [...entries.slice(0, at), step]
      history.pushState({ visit, at }, "", address(query))
    } else if (place === at) {
      history.replaceState({ visit, at }, "", address(query))
    } else {
      walk = setTimeout(arrive, LONGEST_WALK_MS)
      history.go(place - at)
      at = place
    }
  }

  /** @param {string} query */
  function address(query) {
    const shown = new URLSearchParams(location.search)
    const stores = ["store", "with"]
      .filter((key) => shown.has(key))
      .map((key) => `&${key}=${encodeURIComponent(shown.get(key) ?? "")}`)
    return `?${query}${stores.join("")}`
  }

  function arrive() {
    if (walk != null) clearTimeout(walk)
    walk = null
    rest()
  }

  history.replaceState({ visit, at }, "")
  whenShown(() => model("link").properties.tags.change.connect(rest))
  addEventListener("pagehide", show)
  addEventListener("popstate", ({ state, timeStamp }) => {
    if (state == null) return // a place within the page
    if (state.visit !== visit) location.reload()
    else if (walk != null) arrive()
    else {
      if (due != null) clearTimeout(due)
      due = null
      at = state.at
      if (isShown()) model("steps").tags = [entries[at], timeStamp]
    }
  })
  return { show }
})()
