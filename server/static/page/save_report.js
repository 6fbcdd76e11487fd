// "Save report" on the page of two stores, and what becomes of it.
;(() => {
  const { ask, element, model, whenShown } = headbrush.ready
  const SHOWN_MS = 6000
  /** @type {ReturnType<typeof setTimeout>} */
  let until

  function say() {
    const [words, stays] = model("report_said").tags
    element("said").textContent = words
    clearTimeout(until)
    if (stays) return
    until = setTimeout(() => {
      element("said").textContent = ""
    }, SHOWN_MS)
  }

  element("save_report").addEventListener("click", () => ask("report_asked"))
  whenShown(() => model("report_said").properties.tags.change.connect(say))
})()
