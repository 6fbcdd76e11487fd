// The tabs of the workspaces: which panels are shown. The server builds a workspace's views when it is
// first shown; until then its panels wait.
;(() => {
  const { model, whenShown } = headbrush.ready
  const main = /** @type {HTMLElement} */ (document.querySelector(".hb-page, .hb-compare"))
  /** @type {NodeListOf<HTMLElement>} */
  const found = document.querySelectorAll("#workspaces [role=tab]")
  const tabs = [...found]

  /**
   * @param {string | undefined} shown
   * @param {string[]} built workspaces whose views are there
   */
  function show(shown, built) {
    main.dataset.workspace = shown
    for (const tab of tabs) {
      const isShown = tab.dataset.workspace === shown
      tab.setAttribute("aria-selected", String(isShown))
      tab.tabIndex = isShown ? 0 : -1
    }
    /** @type {NodeListOf<HTMLElement>} */
    const panels = document.querySelectorAll(".hb-panel")
    for (const panel of panels) {
      const its = (panel.dataset.workspace ?? "").split(" ") // of two stores a panel may be of both
      panel.hidden = !its.includes(shown ?? "")
      panel.classList.toggle("hb-later", !its.some((one) => built.includes(one)))
    }
    document.dispatchEvent(new Event("headbrush_workspace"))
  }

  /** @param {HTMLElement} tab */
  function choose(tab) {
    const channel = model("workspace")
    const [, ...built] = channel.tags
    show(tab.dataset.workspace, built) // at once: the server may have much to build
    channel.tags = [tab.dataset.workspace, ...built]
  }

  for (const [place, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab))
    tab.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
      if (by == null) return
      event.stopPropagation()
      const next = tabs[(place + by + tabs.length) % tabs.length]
      next.focus()
      choose(next)
    })
  }
  whenShown(() => {
    const channel = model("workspace")
    const follow = () => show(channel.tags[0], channel.tags.slice(1))
    channel.properties.tags.change.connect(follow)
    if (tabs.length > 0) follow()
  })
})()
