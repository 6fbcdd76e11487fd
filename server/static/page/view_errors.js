// A view that failed: a card over its panel, with the id under which the server's log says more.
(() => {
  function card(id) {
    const made = document.createElement("div")
    made.className = "hb-failed"
    made.setAttribute("role", "alert")
    const said = document.createElement("p")
    said.textContent = `This view failed; the others go on. Error ${id}: the server's log says more.`
    const again = document.createElement("button")
    again.type = "button"
    again.textContent = "Reload the page"
    again.addEventListener("click", () => location.reload())
    made.append(said, again)
    return made
  }

  function show(tags) {
    for (const old of document.querySelectorAll(".hb-failed")) old.remove()
    for (let at = 0; at < tags.length; at += 2) {
      const [name, id] = tags.slice(at, at + 2)
      const panel = document.querySelector(`.hb-panel[data-name="${name}"] .hb-body`)
      const place = panel ?? document.querySelector(".hb-status")
      if (!place.querySelector(".hb-failed")) place.append(card(id))
    }
  }

  function listen() {
    const told = window.Bokeh?.documents[0]?.get_model_by_name("faults")
    if (told == null) {
      setTimeout(listen, 30)
      return
    }
    told.properties.tags.change.connect(() => show(told.tags))
    show(told.tags)
  }
  listen()
})()
