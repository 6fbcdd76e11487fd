// The line of brushes: chips, named brushes, CSV out and in. Words of others are text, never HTML.
(() => {
  const place = (id) => document.getElementById(id)
  const chips = place("chips")
  const compared = place("compared")
  const list = place("named_list")
  let stamp = 0
  let told = {}

  function model(name) {
    return window.Bokeh?.documents[0]?.get_model_by_name(name)
  }

  function ask(...words) {
    const asked = model("brush_asked")
    if (asked != null) asked.tags = [...words, stamp++] // else nothing is shown yet
  }

  function made(tag, text, attributes = {}, act = null) {
    const element = Object.assign(document.createElement(tag), attributes)
    if (text != null) element.textContent = text
    if (act != null) element.addEventListener(tag == "input" ? "change" : "click", act)
    return element
  }

  function dot(colour) {
    const mark = made("span", "●", { ariaHidden: "true" })
    mark.style.color = colour
    return mark
  }

  function showChips(words) {
    const focused = [...chips.querySelectorAll("button")].indexOf(document.activeElement)
    chips.replaceChildren(...words.map((word, index) => {
      const chip = made("span", word, { className: "hb-chip" })
      const label = "Remove " + word
      chip.append(made("button", "×", { type: "button", ariaLabel: label, title: label },
        () => ask("drop", index)))
      return chip
    }))
    const buttons = chips.querySelectorAll("button")
    if (focused >= 0) (buttons[Math.min(focused, buttons.length - 1)] ?? place("named")).focus()
    chips.classList.toggle("hb-empty", words.length == 0)
    place("brush_name").placeholder = words.length ? "name of the brush" : "brush something first"
  }

  function namedRow(one, index) {
    const row = made("li", null)
    function rename(event) {
      const name = event.target.value
      event.target.value = one.name // until the server has agreed
      ask("rename", index, name)
    }
    const compare = made("button", one.compared ? "compared" : "compare",
      { type: "button", ariaPressed: String(one.compared), title: one.words },
      () => ask("compare", index))
    row.append(
      made("input", null, { type: "color", value: one.colour, ariaLabel: "Colour of " + one.name },
        (event) => ask("recolour", index, event.target.value)),
      made("input", null, { type: "text", value: one.name, maxLength: 40, title: one.words,
        ariaLabel: "Name of " + one.name }, rename),
      compare,
      made("button", "apply", { type: "button", ariaLabel: "Brush " + one.name + " again" },
        () => ask("apply", index)),
      made("button", "×", { type: "button", ariaLabel: "Delete " + one.name },
        () => ask("delete", index)))
    return row
  }

  function showNamed(named) {
    const focused = [...list.querySelectorAll("button, input")].indexOf(document.activeElement)
    list.replaceChildren(...named.map(namedRow))
    if (focused >= 0) list.querySelectorAll("button, input")[focused]?.focus()
    place("named_count").textContent = named.length ? ` (${named.length})` : ""
    compared.replaceChildren(...named.filter((one) => one.compared).map((one) => {
      const name = made("span", null, { className: "hb-name", title: one.words })
      name.append(dot(one.colour), " " + one.name)
      return name
    }))
  }

  function storage() {
    return "headbrush_brushes " + told.key
  }

  function show() {
    const before = told
    told = model("brush_bar").tags[0]
    const same = (part) => JSON.stringify(before[part]) == JSON.stringify(told[part])
    if (!same("chips")) showChips(told.chips)
    if (!same("named")) showNamed(told.named)
    if (!same("note")) say(told.note[0])
    if (told.keep != null) {
      try { localStorage.setItem(storage(), told.keep) } catch { say("this browser keeps nothing") }
    }
  }

  let until
  function say(note) {
    const said = place("brush_said")
    said.textContent = said.title = note
    clearTimeout(until)
    until = setTimeout(() => { said.textContent = said.title = "" }, 15000)
  }

  function restore() {
    try {
      const kept = localStorage.getItem(storage())
      if (kept != null) ask("restore", kept)
    } catch { /* storage is blocked: nothing is kept */ }
  }

  async function download() {
    const [name, packed] = model("exported").tags
    if (name == null) return
    const type = name.endsWith(".html") ? "text/html" : "text/csv"
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))
    const text = await new Response(stream).blob()
    const link = made("a", null, { href: URL.createObjectURL(new Blob([text], { type })),
      download: name })
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
    ask("received")
  }

  async function upload(event) {
    const [file] = event.target.files
    event.target.value = ""
    if (file == null) return
    if (file.size > 4e6) return say("The list is larger than 4 MB.")
    const reader = new FileReader()
    reader.onload = () => ask("names", reader.result.slice(reader.result.indexOf(",") + 1))
    reader.onerror = () => say("The list could not be read.")
    reader.readAsDataURL(file)
  }

  place("named_save").addEventListener("submit", (event) => {
    event.preventDefault()
    const field = place("brush_name")
    ask("save", field.value)
    field.value = ""
  })
  for (const button of document.querySelectorAll("[data-export]")) {
    button.addEventListener("click", () => {
      button.closest("details").open = false
      ask("export", button.dataset.export)
    })
  }
  place("save_report").addEventListener("click", () => ask("report"))
  place("names_file").addEventListener("change", upload)
  place("load_names").addEventListener("click", () => place("names_file").click())
  for (const menu of document.querySelectorAll(".hb-brushes details")) {
    menu.addEventListener("keydown", (event) => {
      if (event.key != "Escape" || !menu.open) return
      event.stopPropagation()
      menu.open = false
      menu.querySelector("summary").focus()
    })
  }

  function begin() {
    if (model("brush_bar") == null) return setTimeout(begin, 30)
    model("brush_bar").properties.tags.change.connect(show)
    model("exported").properties.tags.change.connect(download)
    // Patterns are brushed by the server, so entries of Bokeh's own menus are told to it
    for (const tool of Bokeh.documents[0].get_model_by_name("patterns_plot")?.toolbar.tools ?? []) {
      tool.invert?.connect(() => ask("invert"))
      tool.clear?.connect(() => ask("clear"))
    }
    show()
    restore()
    addEventListener("storage", (event) => {
      if (event.key == storage() && event.newValue != null) ask("restore", event.newValue)
    })
  }
  begin()
})()
