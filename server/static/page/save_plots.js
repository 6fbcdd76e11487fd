// Save the plots of a panel as one SVG or PNG, as they look now, on the page's paper.
const hbSave = (() => {
  function plotsOf(panel) {
    const area = panel.querySelector(".hb-body").getBoundingClientRect()
    const found = [...Bokeh.index.query((view) => view.model.type == "Figure")]
    const places = found.map((view) => [view, view.el.getBoundingClientRect()])
    return places.filter(([, at]) => at.width > 0 && at.left >= area.left - 1 &&
      at.right <= area.right + 1 && at.top >= area.top - 1 && at.bottom <= area.bottom + 1)
  }

  function frameOf(plots) {
    const left = Math.min(...plots.map(([, at]) => at.left))
    const top = Math.min(...plots.map(([, at]) => at.top))
    return { left, top, width: Math.max(...plots.map(([, at]) => at.right)) - left,
      height: Math.max(...plots.map(([, at]) => at.bottom)) - top }
  }

  async function svg(plots, frame, paper) {
    const parts = await Promise.all(plots.map(async ([view, at]) => {
      const text = await (await view.export("svg").to_blob()).text()
      const drawn = new DOMParser().parseFromString(text, "image/svg+xml").documentElement
      drawn.setAttribute("x", at.left - frame.left)
      drawn.setAttribute("y", at.top - frame.top)
      return new XMLSerializer().serializeToString(drawn)
    }))
    const size = `width="${frame.width}" height="${frame.height}"`
    const ground = `<rect ${size} fill="${paper}"/>`
    const open = `<svg xmlns="http://www.w3.org/2000/svg" ${size}>`
    return new Blob([open, ground, ...parts, "</svg>"], { type: "image/svg+xml" })
  }

  function png(plots, frame, paper) {
    const layers = plots.map(([view, at]) => [view.export("png"), at])
    const scale = layers[0][0].pixel_ratio
    const sheet = document.createElement("canvas")
    sheet.width = frame.width * scale
    sheet.height = frame.height * scale
    const pen = sheet.getContext("2d")
    pen.fillStyle = paper
    pen.fillRect(0, 0, sheet.width, sheet.height)
    for (const [layer, at] of layers) {
      pen.drawImage(layer.canvas, (at.left - frame.left) * scale, (at.top - frame.top) * scale)
    }
    return new Promise((resolve) => sheet.toBlob(resolve, "image/png"))
  }

  async function save(panel, kind) {
    const plots = plotsOf(panel)
    if (plots.length == 0) return
    const paper = getComputedStyle(document.documentElement).getPropertyValue("--paper").trim()
    const blob = await (kind == "svg" ? svg : png)(plots, frameOf(plots), paper)
    const link = document.createElement("a")
    link.href = URL.createObjectURL(blob)
    link.download = `headbrush-${panel.dataset.name}.${kind}`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  }

  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", () => {
      button.closest("details").open = false
      save(button.closest(".hb-panel"), button.dataset.save)
    })
  }
})()
