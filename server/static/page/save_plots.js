// Save the plots of a panel as one SVG or PNG, as they look now, on the page's paper.
;(() => {
  /** @typedef {[view: any, at: DOMRect]} Placed */
  /** @typedef {{left: number, top: number, width: number, height: number}} Frame */

  /**
   * @param {HTMLElement} panel
   * @returns {Placed[]}
   */
  function plotsOf(panel) {
    const area = /** @type {Element} */ (panel.querySelector(".hb-body")).getBoundingClientRect()
    const isFigure = (/** @type {any} */ view) => view.model.type === "Figure"
    return [...Bokeh.index.query(isFigure)]
      .map((view) => /** @type {Placed} */ ([view, view.el.getBoundingClientRect()]))
      .filter(
        ([, at]) =>
          at.width > 0 &&
          at.left >= area.left - 1 &&
          at.right <= area.right + 1 &&
          at.top >= area.top - 1 &&
          at.bottom <= area.bottom + 1,
      )
  }

  /**
   * @param {Placed[]} plots
   * @returns {Frame}
   */
  function frameOf(plots) {
    const left = Math.min(...plots.map(([, at]) => at.left))
    const top = Math.min(...plots.map(([, at]) => at.top))
    const right = Math.max(...plots.map(([, at]) => at.right))
    const bottom = Math.max(...plots.map(([, at]) => at.bottom))
    return { left, top, width: right - left, height: bottom - top }
  }

  /**
   * @param {Placed[]} plots
   * @param {Frame} frame
   * @param {string} paper
   */
  async function svg(plots, frame, paper) {
    const drawings = plots.map(async ([view, at]) => {
      const text = await (await view.export("svg").to_blob()).text()
      const drawn = new DOMParser().parseFromString(text, "image/svg+xml").documentElement
      drawn.setAttribute("x", String(at.left - frame.left))
      drawn.setAttribute("y", String(at.top - frame.top))
      return new XMLSerializer().serializeToString(drawn)
    })
    const size = `width="${frame.width}" height="${frame.height}"`
    const ground = `<rect ${size} fill="${paper}"/>`
    const open = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>`
    const content = [open, ground, ...(await Promise.all(drawings)), "</svg>"]
    return new Blob(content, { type: "image/svg+xml" })
  }

  /**
   * @param {Placed[]} plots
   * @param {Frame} frame
   * @param {string} paper
   * @returns {Promise<Blob | null>}
   */
  function png(plots, frame, paper) {
    const layers = plots.map(([view, at]) => ({ layer: view.export("png"), at }))
    const scale = layers[0].layer.pixel_ratio
    const sheet = document.createElement("canvas")
    sheet.width = frame.width * scale
    sheet.height = frame.height * scale
    const pen = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"))
    pen.fillStyle = paper
    pen.fillRect(0, 0, sheet.width, sheet.height)
    for (const { layer, at } of layers) {
      pen.drawImage(layer.canvas, (at.left - frame.left) * scale, (at.top - frame.top) * scale)
    }
    return new Promise((resolve) => sheet.toBlob(resolve, "image/png"))
  }

  /**
   * @param {HTMLElement} panel
   * @param {string} format
   */
  async function save(panel, format) {
    const plots = plotsOf(panel)
    if (plots.length === 0) return // a view that failed, or whose plots are folded away
    const paper = getComputedStyle(document.documentElement).getPropertyValue("--paper").trim()
    const blob = await (format === "svg" ? svg : png)(plots, frameOf(plots), paper)
    if (blob == null) throw new Error("this browser cannot write so large a picture")
    headbrush.files.download(`headbrush-${panel.dataset.name}.${format}`, blob)
  }

  /** @type {NodeListOf<HTMLElement>} */
  const buttons = document.querySelectorAll("[data-save]")
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const menu = /** @type {HTMLDetailsElement} */ (button.closest("details"))
      menu.open = false
      save(/** @type {HTMLElement} */ (button.closest(".hb-panel")), button.dataset.save ?? "")
    })
  }
})()
