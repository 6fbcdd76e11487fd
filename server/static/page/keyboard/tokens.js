// D2 to D5: arrows move the token that the views follow over the grid of patches, Home is CLS, Enter pins
// it. In D5 left and right move the threshold; + and − do so everywhere.
;(() => {
  const { matrix, numbers, plotKeys, ready } = headbrush
  const FACTOR = 1.15
  let isHeld = false

  /** @returns {Tokens} */
  const tokensOf = () => ready.model("tokens")
  /** @returns {Codes} */
  const codesOf = () => ready.model("codes").data.code

  /** @param {Tokens} tokens @param {string} key */
  function next(tokens, key) {
    const count = tokens.prefix + tokens.rows * tokens.columns
    const at = matrix.chosen(tokens) ?? 0
    const isPatch = at >= tokens.prefix
    const up = at - tokens.columns
    const down = isPatch ? at + tokens.columns : tokens.prefix
    const places = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: isPatch && up >= tokens.prefix ? up : at,
      ArrowDown: down < count ? down : at,
      Home: 0,
      End: count - 1,
    }
    const place = places[/** @type {keyof typeof places} */ (key)]
    return place == null ? null : Math.min(Math.max(place, 0), count - 1)
  }

  /**
   * What a token looks at most, and what looks at it most.
   * @param {Tokens} tokens
   * @param {number} token
   */
  function words(tokens, token) {
    const codes = codesOf()
    const name = matrix.describe(tokens, token)
    if (codes.length === 0) return name
    const count = tokens.prefix + tokens.rows * tokens.columns
    let [target, source] = [0, 0]
    for (let other = 1; other < count; other++) {
      if (codes[token * count + other] > codes[token * count + target]) target = other
      if (codes[other * count + token] > codes[source * count + token]) source = other
    }
    const value = (/** @type {number} */ at) => numbers.rounded(matrix.VALUES[codes[at]])
    const looks = `looks most at ${matrix.name(tokens, target)} (${value(token * count + target)})`
    const looked = `${matrix.name(tokens, source)} (${value(source * count + token)})`
    return `${name}: ${looks}, most looked at by ${looked}`
  }

  /** @param {number} factor */
  function scale(factor) {
    const tokens = tokensOf()
    const threshold = numbers.rounded(Math.min(tokens.threshold * factor, 1))
    tokens.setv({ threshold }, { sync: false })
    ready.ask("plot_asked", "threshold", "threshold_plot", threshold)
    plotKeys.say(`threshold: A ≥ ${threshold}`)
  }

  /** @param {KeyboardEvent} event @param {any} view */
  function press({ key }, view) {
    const tokens = tokensOf()
    if (view.model.name === "threshold_plot") return pressThreshold(key)
    if (key === "Enter") {
      const token = matrix.chosen(tokens)
      matrix.pin(tokens, token)
      plotKeys.say(
        tokens.token == null ? "not pinned" : `${matrix.name(tokens, tokens.token)} pinned`,
      )
      return token != null
    }
    const token = next(tokens, key)
    if (token == null) return false
    isHeld = true
    matrix.hover(tokens, token)
    plotKeys.say(words(tokens, token))
    return true
  }

  /** @param {string} key */
  function pressThreshold(key) {
    if (key === "ArrowLeft" || key === "ArrowDown") scale(1 / FACTOR)
    else if (key === "ArrowRight" || key === "ArrowUp") scale(FACTOR)
    else if (key === "Home") {
      ready.ask("plot_asked", "threshold", "threshold_plot", null)
      plotKeys.say("threshold: the top 1 %")
    } else return false
    return true
  }

  function drop() {
    const wasHeld = isHeld
    isHeld = false
    if (wasHeld) matrix.hover(tokensOf(), null)
    return wasHeld
  }

  const about =
    "arrows move the token over the patches, Home is CLS, Enter pins it, + and − change the threshold, " +
    "Esc lets go of it"
  plotKeys.add(["context_plain", "axes_plot", "matrix_plot"], {
    about,
    isBrush: false,
    drop,
    press,
  })
  plotKeys.add(["threshold_plot"], {
    about: "left and right, or + and −, move the threshold; Home sets it to the top 1 %",
    isBrush: false,
    drop,
    press,
  })
  document.addEventListener("keydown", (event) => {
    const { tagName } = /** @type {HTMLElement} */ (event.composedPath()[0])
    if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA/.test(tagName)) return
    if (!["+", "-", "−"].includes(event.key) || !ready.isShown() || headbrush.keys.isListed())
      return
    if (Bokeh.documents[0].get_model_by_name("tokens") == null) return
    event.preventDefault()
    scale(event.key === "+" ? FACTOR : 1 / FACTOR)
  })
})()
