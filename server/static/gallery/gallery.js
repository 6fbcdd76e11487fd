// The gallery of view A, an element that Bokeh's Div holds. Names and classes are text, never HTML.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
;(() => {
  const AGAIN_MS = 30
  const MARKS = ["✓", "✗", ""] // predicted correctly, wrongly, not known
  const KINDS = ["correct", "wrong", "no label"]

  /**
   * @template {keyof HTMLElementTagNameMap} T
   * @param {T} tag
   * @param {object} attributes
   * @param {(string | Node)[]} content
   */
  function made(tag, attributes = {}, ...content) {
    const one = Object.assign(document.createElement(tag), attributes)
    one.append(...content)
    return one
  }

  /** @param {string} id */
  function modelOf(id) {
    for (const shown of globalThis.Bokeh?.documents ?? []) {
      const model = shown.get_model_by_id(id)
      if (model != null) return model
    }
    return null
  }

  /** @param {string} text */
  const button = (text) => made("button", { type: "button" }, text)

  class Gallery extends HTMLElement {
    /** @type {GallerySupply | null} */
    #supply = null
    #watch = new ResizeObserver(() => this.#soon())
    #active = 0
    #version = -1
    #image = /** @type {number | null | undefined} */ (undefined)
    /** @type {GalleryBox | null} */
    #box = null
    #isDue = false
    #isBrushing = false
    #turned = button("")
    #some = button("brushed")
    #all = button("all")
    #touch = button("brush")
    #said = made("span", { role: "status" })
    #sheet = made("div", { className: "hb-sheet", role: "presentation" })
    #empty = made("p", { hidden: true }, "No image is brushed.")
    #scroller = made("div", { className: "hb-scroller", tabIndex: 0 }, this.#sheet, this.#empty)
    #grid = headbrush.galleryGrid.make(this.#scroller, this.#sheet, (tile, place) =>
      this.#fill(tile, place),
    )

    constructor() {
      super()
      this.#scroller.setAttribute("role", "listbox")
      this.#scroller.setAttribute("aria-multiselectable", "true")
      const name = "Gallery of images: Enter selects, Space adds to the brush"
      this.#scroller.setAttribute("aria-label", name)
      this.#touch.className = "hb-touch"
      this.#touch.title = "A finger brushes instead of scrolling"
      this.#turned.addEventListener("click", () => this.#turn())
      this.#some.addEventListener("click", () => this.#supply?.choose("of", "brushed"))
      this.#all.addEventListener("click", () => this.#supply?.choose("of", "all"))
      this.#touch.addEventListener("click", () => this.#switch())
      this.#scroller.addEventListener("scroll", () => this.#soon(), { passive: true })
      headbrush.galleryGestures.listen(this.#scroller, this.#grid, {
        brush: (combine, box) => this.#brush(combine, box),
        choose: (what) => this.#act(what, this.#active),
        click: (place, combine) => this.#click(place, combine),
        drawBox: (box) => {
          this.#box = box
          this.#soon()
        },
        isBrushing: () => this.#isBrushing,
        step: (by) => this.#step(by),
      })
    }

    connectedCallback() {
      const model = modelOf(this.dataset.model ?? "")
      if (model != null) this.#begin(model)
      else if (this.isConnected) setTimeout(() => this.connectedCallback(), AGAIN_MS)
    }

    disconnectedCallback() {
      this.#supply?.end()
      this.#supply = null
      this.#watch.disconnect()
    }

    /** @param {BokehModel} model */
    #begin({ tags: [first, asked] }) {
      if (this.#supply != null) return
      const tools = made("div", { className: "hb-tools" })
      tools.append(this.#turned, this.#some, this.#all, this.#touch, this.#said)
      this.replaceChildren(tools, this.#scroller)
      const soon = () => this.#soon()
      const { fromReport, fromServer } = headbrush.gallerySupply
      const isReport = asked == null
      this.#supply = isReport ? fromReport(first, soon) : fromServer(first, asked, soon)
      this.#watch.observe(this.#scroller)
    }

    #turn() {
      const { direction } = this.#head()
      this.#supply?.choose("direction", direction === "down" ? "up" : "down")
    }

    #switch() {
      this.#isBrushing = !this.#isBrushing
      this.#touch.setAttribute("aria-pressed", String(this.#isBrushing))
      this.#scroller.classList.toggle("hb-brushing", this.#isBrushing)
    }

    /** @returns {GalleryHead} */
    #head() {
      if (this.#supply == null) throw new Error("the gallery has nothing to show yet")
      return this.#supply.head()
    }

    /**
     * @param {number} place
     * @param {Combine} combine
     */
    #click(place, combine) {
      this.#active = place
      if (combine === "replace") return this.#act(this.#isBrushing ? "toggle" : "select", place)
      const [row, column] = this.#cell(place)
      this.#brush(combine, { rows: [row, row], columns: [column, column] })
    }

    /**
     * @param {Combine} combine
     * @param {GalleryBox} box
     */
    #brush(combine, { rows, columns }) {
      this.#supply?.act("brush", combine, rows, columns, this.#grid.columns())
    }

    /**
     * Row and column of a place.
     * @param {number} place
     */
    #cell(place) {
      const across = this.#grid.columns()
      return [Math.floor(place / across), place % across]
    }

    /**
     * @param {string} what
     * @param {number} place
     */
    #act(what, place) {
      if (place < this.#head().count) this.#supply?.act(what, place)
    }

    /** @param {number} by */
    #step(by) {
      const last = Math.max(0, this.#head().count - 1)
      this.#active = Math.min(Math.max(this.#active + by, 0), last)
      this.#grid.reveal(this.#active)
      this.#soon()
    }

    /** Draw with the next frame, once for many calls. */
    #soon() {
      if (this.#isDue) return
      this.#isDue = true
      requestAnimationFrame(() => {
        this.#isDue = false
        if (this.#supply != null && this.isConnected) this.#draw()
      })
    }

    #draw() {
      const head = this.#head()
      const [scroller, grid] = [this.#scroller, this.#grid]
      if (scroller.clientWidth === 0) return // hidden
      grid.draw(head.count) // as high as it will be, so that it can scroll there
      if (head.version !== this.#version && head.goesUp) {
        scroller.scrollTop = 0
        this.#active = 0
      }
      if (head.image !== this.#image && head.place >= 0) {
        this.#active = head.place
        grid.reveal(head.place)
      }
      this.#active = Math.max(0, Math.min(this.#active, head.count - 1))
      this.#version = head.version
      this.#image = head.image
      const [first, last] = grid.draw(head.count)
      scroller.setAttribute("aria-activedescendant", `tile-${this.#active}`)
      this.#tell(head)
      this.#supply?.want(first, last)
    }

    /** @param {GalleryHead} head */
    #tell({ count, total, isBrushed, of, direction, words }) {
      const { grouped } = headbrush.numbers
      this.#turned.textContent = `${direction === "down" ? "↓" : "↑"} ${words}`
      this.#some.setAttribute("aria-pressed", String(of === "brushed"))
      this.#all.setAttribute("aria-pressed", String(of === "all"))
      const text = `${count < total ? `${grouped(count)} of ` : ""}${grouped(total)} images`
      if (this.#said.textContent !== text) this.#said.textContent = text
      this.#empty.hidden = count > 0
      this.classList.toggle("hb-partly", isBrushed && of === "all")
    }

    /** @param {number} place */
    #isInBox(place) {
      if (this.#box == null) return false
      const [row, column] = this.#cell(place)
      const { rows, columns } = this.#box
      const isBetween = (/** @type {number} */ at, /** @type {number[]} */ [low, high]) =>
        at >= low && at <= high
      return isBetween(row, rows) && isBetween(column, columns)
    }

    /**
     * @param {HTMLElement} tile
     * @param {number} place
     */
    #fill(tile, place) {
      const known = this.#supply?.tile(place)
      const head = this.#head()
      const isSelected = known != null && known.number === head.image
      const marks = {
        "hb-tile": true,
        "hb-selected": isSelected,
        "hb-brushed": known?.isBrushed,
        "hb-wrong": known?.kind === 1,
        "hb-active": place === this.#active,
        "hb-within": this.#isInBox(place),
      }
      const classes = Object.entries(marks)
        .filter(([, isSo]) => isSo)
        .map(([name]) => name)
      tile.className = classes.join(" ")
      const look = JSON.stringify([
        place,
        head.count,
        isSelected,
        known?.number,
        known?.value,
        known?.isBrushed,
      ])
      if (tile.dataset.look === look) return
      tile.id = `tile-${place}`
      tile.dataset.place = String(place)
      tile.dataset.look = look
      tile.setAttribute("role", "option")
      tile.setAttribute("aria-posinset", String(place + 1))
      tile.setAttribute("aria-setsize", String(head.count))
      if (known == null) {
        tile.setAttribute("aria-label", "not loaded yet")
        return tile.replaceChildren(made("span", { className: "hb-none" }))
      }
      const { name, truth, guess, kind, value, isBrushed, picture } = known
      const brushed = isBrushed ? ", brushed" : ""
      const label = `${name}, true ${truth}, predicted ${guess}, ${KINDS[kind]}`
      // begins with what is seen, as who speaks to the computer says that
      const seen = `${value} ${truth} ${MARKS[kind]} ${guess}`.replace(/ +/g, " ").trim()
      tile.setAttribute("aria-label", `${seen}: ${label}${brushed}`)
      tile.setAttribute("aria-selected", String(isBrushed))
      tile.setAttribute("aria-current", String(isSelected))
      tile.title = `${label}${value && `, ${value}`}`
      const shown = made("img", { alt: "", draggable: false })
      if (picture.startsWith("data:image/")) shown.src = picture
      tile.replaceChildren(
        made("span", { className: "hb-frame" }, shown, made("i", {}, value)),
        " ",
        made("span", {}, truth),
        " ",
        made("b", {}, `${MARKS[kind]} ${guess}`.trim()),
      )
    }
  }

  if (customElements.get("hb-gallery") == null) customElements.define("hb-gallery", Gallery)
})()
