// Texts and menus that open over the page stay within the window: above what opens them, where there
// is no room below.
;(() => {
  const EDGE = 8
  const GAP = 4

  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (!(target instanceof HTMLDetailsElement) || !target.open) return
      const opened = /** @type {HTMLElement | null} */ (target.querySelector("p, .hb-menu"))
      if (opened == null) return
      opened.style.translate = "" // where the style sheet puts it
      const { left, right, top, bottom } = opened.getBoundingClientRect()
      const across = Math.max(EDGE - left, 0) || Math.min(innerWidth - EDGE - right, 0)
      const above = target.getBoundingClientRect().top - GAP - bottom
      const up = bottom > innerHeight - EDGE ? Math.max(above, EDGE - top) : 0
      opened.style.translate = `${across}px ${up}px`
    },
    true, // it does not bubble
  )
})()
