// The browser keeps the named prune sets of the What if workspace.
;(() => {
  const { ready } = headbrush
  let isFollowed = false

  /** The store and images that the sets belong to. */
  function storage() {
    const { store, images } = ready.model("prune_sets").tags[0]
    return `headbrush_prune_sets ${store} ${images}`
  }

  function keep() {
    const { keep: text } = ready.model("prune_sets").tags[0]
    if (text == null) return
    try {
      localStorage.setItem(storage(), text)
    } catch {
      // Storage is blocked: nothing is kept
    }
  }

  function restore() {
    try {
      const kept = localStorage.getItem(storage())
      if (kept != null) ready.ask("asked", "restore", kept)
    } catch {
      // Storage is blocked: nothing is kept
    }
  }

  /** The workspace is built when it is first shown. */
  function follow() {
    if (isFollowed || !ready.has("prune_sets")) return
    isFollowed = true
    ready.model("prune_sets").properties.tags.change.connect(keep)
    restore()
    addEventListener("storage", (event) => {
      if (event.key === storage() && event.newValue != null)
        ready.ask("asked", "restore", event.newValue)
    })
  }

  document.addEventListener("headbrush_workspace", follow)
  ready.whenShown(follow)
})()
