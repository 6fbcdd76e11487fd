// Records what a page writes on its canvases, and finds words that are cut, run out of their panel or
// lie on others. Runs before the page's own scripts.
;(() => {
  const SLACK = 1.5 // pixels of the window
  const written = new WeakMap() // a canvas to its words
  const clips = new WeakMap() // a context to the rectangles that it is clipped to, and to its last one
  const of = (context) => {
    if (!clips.has(context)) clips.set(context, { now: null, kept: [], last: null })
    return clips.get(context)
  }
  /** The box around a rectangle of a context, in pixels of the page. */
  function box(context, left, top, right, bottom) {
    const matrix = context.getTransform()
    const corners = [[left, top], [right, top], [left, bottom], [right, bottom]]
    const at = corners.map(([x, y]) => matrix.transformPoint({ x, y }))
    const [xs, ys] = ["x", "y"].map((axis) => at.map((one) => one[axis] / devicePixelRatio))
    const [low, high] = [(many) => Math.min(...many), (many) => Math.max(...many)]
    return { left: low(xs), top: low(ys), right: high(xs), bottom: high(ys) }
  }
  const type = CanvasRenderingContext2D.prototype
  function before(name, act) {
    const usual = type[name]
    type[name] = function (...given) {
      act(this, ...given)
      return usual.apply(this, given)
    }
  }
  before("clearRect", ({ canvas }) => written.set(canvas, []))
  before("save", (context) => of(context).kept.push(of(context).now))
  before("restore", (context) => {
    const state = of(context)
    state.now = state.kept.pop() ?? null
  })
  before("rect", (context, x, y, width, height) => {
    of(context).last = box(context, x, y, x + width, y + height)
  })
  before("clip", (context) => {
    of(context).now = of(context).last
  })
  before("fillText", (context, text, x, y) => {
    if (context.globalAlpha === 0 || text.trim() === "") return
    const size = context.measureText(text)
    const [left, right] = [x - size.actualBoundingBoxLeft, x + size.actualBoundingBoxRight]
    const [top, bottom] = [y - size.actualBoundingBoxAscent, y + size.actualBoundingBoxDescent]
    const at = box(context, left, top, right, bottom)
    const list = written.get(context.canvas) ?? []
    written.set(context.canvas, [...list, { text, ...at, clip: of(context).now }])
  })

  function* deep(root) {
    for (const one of root.children) {
      if (one.matches("option, script, style, svg")) continue
      yield one
      if (one.shadowRoot != null) yield* deep(one.shadowRoot)
      yield* deep(one)
    }
  }
  const outer = (one) => one.parentElement ?? one.getRootNode().host ?? null
  const isSeen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  const isIn = (inner, whole) =>
    inner.left >= whole.left - SLACK && inner.right <= whole.right + SLACK &&
    inner.top >= whole.top - SLACK && inner.bottom <= whole.bottom + SLACK
  const overlap = (one, other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > SLACK &&
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > SLACK

  /** What an element's text flows in: it draws the ellipsis where the text is longer. */
  function blockOf(element) {
    let block = element
    while (getComputedStyle(block).display === "inline") block = outer(block)
    return block
  }
  /** Whether an element is within what it lies in, up to the panel; what scrolls shows all of it. */
  function fits(element, at, panel) {
    const block = blockOf(element)
    for (let one = element; one != null; one = outer(one)) {
      const { overflowX, overflowY, textOverflow } = getComputedStyle(one)
      const whole = one.getBoundingClientRect()
      if (one === panel) return isIn(at, whole)
      if (/auto|scroll/.test(overflowX + overflowY) && one.scrollWidth <= one.clientWidth + 1) return true
      const isShortened = one === block && textOverflow === "ellipsis" && overflowX === "hidden"
      if (isShortened && (one.title || outer(one)?.title)) return true
      if (overflowX === "hidden" && !isIn(at, whole)) return false
    }
    return true
  }
  /** Words of a menu or an empty field that are longer than it. */
  function isCutField(field) {
    const words = field.matches("select") ? field.selectedOptions[0]?.text : field.placeholder
    const style = getComputedStyle(field)
    const context = new OffscreenCanvas(1, 1).getContext("2d")
    context.font = style.font
    const room = Number.parseFloat(style.paddingLeft) + Number.parseFloat(style.paddingRight)
    return context.measureText(words ?? "").width > field.clientWidth - room + SLACK
  }
  function* faultsOfHtml(panel) {
    const controls = []
    for (const one of deep(panel)) {
      if (!isSeen(one) || one.closest(".hb-hidden, .bk-Toolbar")) continue
      if (one.matches("select, input[placeholder]") && isCutField(one))
        yield `cut in its field: ${one.value || one.placeholder}`
      if (one.matches("button, select, input, summary")) controls.push(one)
      for (const node of one.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE || node.data.trim() === "") continue
        const range = document.createRange()
        range.selectNodeContents(node)
        for (const at of range.getClientRects())
          if (!fits(one, at, panel)) {
            yield `cut: ${node.data.trim()}`
            break
          }
      }
    }
    const boxes = controls.map((one) => one.getBoundingClientRect())
    for (const [i, one] of controls.entries())
      for (const [j, other] of controls.entries())
        if (i < j && !one.contains(other) && overlap(boxes[i], boxes[j]))
          yield `${one.textContent || one.name} lies on ${other.textContent || other.name}`
  }
  function* faultsOfCanvases(panel) {
    for (const canvas of deep(panel)) {
      if (!canvas.matches("canvas") || !isSeen(canvas)) continue
      const at = canvas.getBoundingClientRect()
      if (!isIn(at, panel.getBoundingClientRect())) yield `a plot runs out: ${[at.left, at.top, at.right, at.bottom].map(Math.round)}`
      const words = written.get(canvas) ?? []
      const whole = { left: 0, top: 0, right: at.width, bottom: at.height }
      for (const [i, one] of words.entries()) {
        if (!isIn(one, whole) || (one.clip != null && !isIn(one, one.clip))) yield `cut: ${one.text}`
        const on = words.slice(i + 1).find((other) => overlap(one, other))
        if (on != null) yield `${one.text} is written on ${on.text}`
      }
    }
  }
  /** All words that are written on the canvases of a panel. */
  window.writtenIn = (name) => {
    const panel = document.querySelector(`.hb-panel[data-name=${name}]`)
    const canvases = [...deep(panel)].filter((one) => one.matches("canvas") && isSeen(one))
    return canvases.flatMap((one) => (written.get(one) ?? []).map((word) => word.text))
  }
  window.faultsOfWindow = () => {
    const { scrollWidth, clientWidth } = document.documentElement
    const faults = scrollWidth > clientWidth ? [`the page is ${scrollWidth} wide`] : []
    for (const panel of document.querySelectorAll(".hb-panel, .hb-bar")) {
      if (!isSeen(panel)) continue
      const name = panel.dataset.name ?? "header"
      const found = new Set([...faultsOfHtml(panel), ...faultsOfCanvases(panel)])
      faults.push(...[...found].map((fault) => `${name}: ${fault}`))
    }
    return faults
  }
})()
