// A and D1: a rectangle that keys move and resize, brush with, and click the middle of. The server finds
// what lies in it (server/pages/plot_keys.py) and says how much that is once the keys rest.
;(() => {
  const { combine, places, plotKeys, ready } = headbrush
  const STEP = 0.025 // of the plot's width or height
  const LEAST = 0.02
  const REST_MS = 120
  const START = { x: 0.35, y: 0.35, width: 0.3, height: 0.3 } // shares of the frame, from the top left
  /** @type {{view: any, x: number, y: number, width: number, height: number} | null} */
  let now = null
  /** @type {ReturnType<typeof setTimeout>} */
  let due

  const draw = plotKeys.cursor("hb-cursor", () => {
    if (now == null) return null
    const { left, top, width, height } = places.frame(now.view)
    return {
      left: left + now.x * width,
      top: top + now.y * height,
      width: now.width * width,
      height: now.height * height,
    }
  })

  /** Edges in the coordinates of the plot: x0, x1, y0, y1. */
  function edges() {
    if (now == null) return []
    const { x_range, y_range } = now.view.model
    const across = x_range.end - x_range.start
    const down = y_range.end - y_range.start
    return [
      x_range.start + now.x * across,
      x_range.start + (now.x + now.width) * across,
      y_range.end - (now.y + now.height) * down,
      y_range.end - now.y * down,
    ]
  }

  /** @param {string} what @param {unknown[]} words */
  const ask = (what, ...words) =>
    ready.ask("plot_asked", what, now?.view.model.name, ...edges(), ...words)

  function countSoon() {
    clearTimeout(due)
    due = setTimeout(() => now != null && ask("count"), REST_MS)
  }

  /** @param {number} value @param {number} most */
  const held = (value, most) => Math.min(Math.max(value, 0), most)

  /**
   * @param {number} across
   * @param {number} down
   * @param {boolean} resizes
   */
  function move(across, down, resizes) {
    if (now == null) return
    if (resizes) {
      now.width = Math.max(LEAST, held(now.width + across * STEP, 1 - now.x))
      now.height = Math.max(LEAST, held(now.height + down * STEP, 1 - now.y))
    } else {
      now.x = held(now.x + across * STEP, 1 - now.width)
      now.y = held(now.y + down * STEP, 1 - now.height)
    }
  }

  /** @type {Record<string, [number, number]>} */
  const ARROWS = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  }

  /** @param {KeyboardEvent} event @param {any} view */
  function press(event, view) {
    const { key, shiftKey, ctrlKey, metaKey } = event
    const by = ARROWS[key]
    if (by == null && key !== "Enter" && key !== " ") return false
    if (now == null || now.view !== view) now = { view, ...START }
    else if (by != null) move(...by, shiftKey)
    draw()
    if (key === "Enter") ask("brush", combine.fromKeys(shiftKey, ctrlKey || metaKey))
    else if (key === " ") ask("click")
    else countSoon()
    return true
  }

  function drop() {
    const wasThere = now != null
    now = null
    draw()
    return wasThere
  }

  function moved() {
    draw()
    countSoon()
  }

  plotKeys.add(["images_plot", "patterns_plot"], {
    about:
      "arrows move a rectangle, Shift+arrows resize it, Enter brushes it, Space clicks its middle, " +
      "Page Up and Down zoom, Esc lets go of it",
    isBrush: true,
    drop,
    moved,
    press,
  })
  ready.whenShown(() => {
    const told = ready.model("plot_told")
    told.properties.tags.change.connect(() => now != null && plotKeys.say(told.tags[0]))
  })
})()
