// A view that failed: a card over its panel, with the id under which the server's log says more.
;(() => {
  const { ready } = headbrush

  /** @param {string} id */
  function card(id) {
    const made = document.createElement("div")
    made.className = "hb-failed"
    made.setAttribute("role", "alert")
    const note = document.createElement("p")
    note.textContent = `This view failed; the others keep working. Error ${id}: see the server's log for details.`
    const reload = document.createElement("button")
    reload.type = "button"
    reload.textContent = "Reload the page"
    reload.addEventListener("click", () => location.reload())
    made.append(note, reload)
    return made
  }

  /**
   * @param {string} selector
   * @returns {Element}
   */
  function only(selector) {
    const one = document.querySelector(selector)
    if (one == null) throw new Error(`the page has no ${selector}`)
    return one
  }

  /** @param {string[]} tags pairs of a view's name and an id */
  function show(tags) {
    for (const old of document.querySelectorAll(".hb-failed")) old.remove()
    for (let at = 0; at < tags.length; at += 2) {
      const [name, id] = tags.slice(at, at + 2)
      const panel = document.querySelector(`.hb-panel[data-name="${name}"] .hb-body`)
      const place = panel ?? only(".hb-status") // what fails outside of panels says so up there
      if (!place.querySelector(".hb-failed")) place.append(card(id))
    }
  }

  ready.whenShown(() => {
    const faults = ready.model("faults")
    faults.properties.tags.change.connect(() => show(faults.tags))
    show(faults.tags)
  })
})()
