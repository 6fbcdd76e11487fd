// What a reader cannot read: text that leaves its panel or what clips it, texts that lie upon each
// other, titles of axes that are longer than their plot, and a page that scrolls sideways.
() => {
  const faults = []
  const shown = (node) => {
    const { display, visibility } = getComputedStyle(node)
    return display !== "none" && visibility !== "hidden" && !node.matches(".hb-hidden")
  }
  const outer = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null
  const scrolls = (style) => /auto|scroll/.test(style.overflowX + style.overflowY)
  // an ellipsis is drawn by the block that the text flows in, where that block is too narrow
  const isCutInWords = (node, text) =>
    node === blockOf(text) && node.scrollWidth > node.clientWidth &&
    getComputedStyle(node).textOverflow === "ellipsis" && (node.title || outer(node)?.title || "") !== ""
  const clips = (style) => /hidden|clip/.test(style.overflowX + style.overflowY)

  function texts(root, found) {
    for (const node of root.childNodes) {
      if (node.nodeType === Node.TEXT_NODE && node.textContent.trim()) found.push(node)
      if (node.nodeType !== Node.ELEMENT_NODE || /SCRIPT|STYLE|OPTION/.test(node.tagName)) continue
      if (!shown(node)) continue
      if (node.matches("details:not([open])")) texts(node.querySelector("summary"), found)
      else texts(node, found)
      if (node.shadowRoot) texts(node.shadowRoot, found)
    }
    return found
  }

  function boxOf(node) {
    const range = document.createRange()
    range.selectNodeContents(node)
    return range.getBoundingClientRect()
  }

  function leaves(inner, whole, room = 1.5) {
    return (
      inner.left < whole.left - room || inner.right > whole.right + room ||
      inner.top < whole.top - 2 * room || inner.bottom > whole.bottom + 2 * room
    )
  }

  // the block that a text flows in: texts of one block never lie upon each other
  function blockOf(node) {
    let block = outer(node)
    while (block && getComputedStyle(block).display === "inline") block = outer(block)
    return block
  }

  function check(panel, name) {
    const seen = []
    for (const node of texts(panel, [])) {
      const box = boxOf(node)
      if (box.width < 1 || box.height < 1) continue
      const words = node.textContent.trim().slice(0, 40)
      let at = outer(node)
      while (at && at !== panel && !scrolls(getComputedStyle(at)) && !isCutInWords(at, node)) {
        if (clips(getComputedStyle(at)) && leaves(box, at.getBoundingClientRect())) {
          faults.push(`${name}: "${words}" is cut`)
        }
        at = outer(at)
      }
      if (at !== panel) continue // it can be scrolled to, or ends in … and has all as its title
      if (leaves(box, panel.getBoundingClientRect())) faults.push(`${name}: "${words}" is outside`)
      const block = blockOf(node)
      for (const other of seen) {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left)
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top)
        if (other.block !== block && across > 2 && down > 3) {
          faults.push(`${name}: "${words}" lies upon "${other.words}"`)
        }
      }
      seen.push({ box, block, words })
    }
  }

  const pen = document.createElement("canvas").getContext("2d")
  function checkAxes(view) {
    const { left, right, top, bottom } = view.frame.bbox
    const { model, bbox } = view
    const sides = [
      [[...model.left, ...model.right], (top + bottom) / 2, bbox.height],
      [[...model.below, ...model.above], (left + right) / 2, bbox.width],
    ]
    for (const [axes, middle, length] of sides) {
      for (const axis of axes.filter((one) => one.axis_label && one.visible)) {
        const { axis_label_text_font_size: size, axis_label_text_font: font } = axis
        pen.font = `${axis.axis_label_text_font_style} ${size} ${font}`
        const half = pen.measureText(axis.axis_label).width / 2
        if (middle - half < -1 || middle + half > length + 1) {
          faults.push(`${model.name}: the axis title "${axis.axis_label}" is cut`)
        }
      }
    }
    if (right - left < 20 || bottom - top < 20) faults.push(`${model.name} has no room`)
  }

  const panels = document.querySelectorAll(".hb-panel:not([hidden]), .hb-bar")
  for (const panel of panels) check(panel, panel.dataset.name ?? "title bar")
  for (const view of Bokeh.index.query((one) => one.model.type === "Figure")) {
    if (view.canvas_view.el.getBoundingClientRect().width > 0) checkAxes(view)
  }
  const { scrollWidth } = document.documentElement
  if (scrollWidth > innerWidth) faults.push(`the page is ${scrollWidth} wide`)
  return faults
}
