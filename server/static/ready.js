// Waits until Bokeh has drawn a page, and finds its models and elements. What is not there although
// it ought to be is an error that names it.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.ready = (() => {
  const AGAIN_MS = 30

  const shown = () => globalThis.Bokeh?.documents[0]

  /** Whether Bokeh holds the page's models. */
  const isShown = () => shown() != null

  /**
   * @param {(bokeh: BokehDocument) => boolean} isReady
   * @param {(bokeh: BokehDocument) => void} act
   */
  function when(isReady, act) {
    const bokeh = shown()
    if (bokeh != null && isReady(bokeh)) act(bokeh)
    else setTimeout(() => when(isReady, act), AGAIN_MS)
  }

  /**
   * Act as soon as Bokeh holds the page's models.
   * @param {(bokeh: BokehDocument) => void} act
   */
  const whenShown = (act) => when(() => true, act)

  /**
   * Act once all is drawn.
   * @param {(bokeh: BokehDocument) => void} act
   */
  const whenDrawn = (act) => when((bokeh) => bokeh.is_idle, act)

  /**
   * The page's model of a name.
   * @param {string} name
   */
  function model(name) {
    const bokeh = shown()
    if (bokeh == null) throw new Error(`model "${name}" was wanted before the page is shown`)
    const named = bokeh.get_model_by_name(name)
    if (named == null) throw new Error(`the page has no model named "${name}"`)
    return named
  }

  /** @param {string} name of a model that may not be there yet */
  const has = (name) => shown()?.get_model_by_name(name) != null

  /**
   * The page's element of an id.
   * @param {string} id
   * @returns {any} an element of whatever kind the template says
   */
  function element(id) {
    const named = document.getElementById(id)
    if (named == null) throw new Error(`the page has no element with the id "${id}"`)
    return named
  }

  let stamp = 0

  /**
   * Ask the server in a channel; a number makes the same question again a change. Before the page is
   * shown nothing is asked.
   * @param {string} channel
   * @param {unknown[]} words
   */
  function ask(channel, ...words) {
    if (isShown()) model(channel).tags = [...words, stamp++]
  }

  return { ask, element, has, isShown, model, whenDrawn, whenShown }
})()
