// Where a page is longer than its window, the wheel and a finger scroll it, also over plots: the wheel
// zooms a plot while Ctrl is held, and a finger brushes once a tool is chosen. `modifiers` and `active`
// of tools are properties of BokehJS 3.8.2 and 3.9.2.
;(() => {
  const { whenDrawn } = headbrush.ready
  const DRAGS = new Set(["BoxSelectTool", "LassoSelectTool", "PanTool"])
  const isFinger = matchMedia("(pointer: coarse)").matches
  const settled = new WeakSet() // plots whose tools a finger has yet to choose

  function settle() {
    const isLonger = document.documentElement.scrollHeight > innerHeight + 1
    const plots = Bokeh.index.query((/** @type {any} */ view) => view.model.type === "Figure")
    for (const { model } of plots) {
      /** @type {any[]} */
      const tools = model.toolbar.tools
      for (const tool of tools) {
        const isDrag = DRAGS.has(tool.type) && tool.active
        if (tool.type === "WheelZoomTool") {
          tool.setv({ modifiers: isLonger ? { ctrl: true } : {} }, { sync: false })
        } else if (isDrag && isFinger && isLonger && !settled.has(model)) tool.active = false
      }
      settled.add(model)
    }
  }

  whenDrawn(() => {
    settle()
    new ResizeObserver(settle).observe(document.documentElement)
  })
  document.addEventListener("headbrush_workspace", () => whenDrawn(settle))
})()
