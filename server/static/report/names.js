// Names of a report's plots and controls for those who do not see: when it is drawn, and again after what
// a reader did has changed its words.
;(() => {
  const REST_MS = 200
  /** @type {ReturnType<typeof setTimeout>} */
  let due
  function soon() {
    clearTimeout(due)
    due = setTimeout(() => headbrush.names.put(), REST_MS)
  }
  headbrush.ready.whenDrawn(() => {
    headbrush.names.put()
    const main = /** @type {HTMLElement} */ (document.querySelector("main.hb-report"))
    new MutationObserver(soon).observe(main, {
      characterData: true,
      childList: true,
      subtree: true,
    })
    document.addEventListener("click", soon)
  })
})()
