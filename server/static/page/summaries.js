// Hidden summaries of the views, for those who do not see; each describes its panel.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.summaries = (() => {
  /**
   * Show what a session says of its views.
   * @param {string} side begins the names of what belongs to one of two stores
   */
  function follow(side = "") {
    const { ready } = headbrush
    const summaries = ready.model(`${side}summaries`)
    summaries.properties.tags.change.connect(() => {
      for (let at = 0; at < summaries.tags.length; at += 2) {
        const [name, text] = summaries.tags.slice(at, at + 2)
        ready.element(`summary-${side}${name}`).replaceChildren(text)
      }
    })
    summaries.tags = [] // asks for those that came before this page listened
  }

  return { follow }
})()
