// D1: asks the server which pattern is nearest to the pointer, one question at a time, and shows its
// answer beside the pointer (server/views/patterns/pattern_tip.py).
headbrush.patternTip = (() => {
  const PAUSE_MS = 40
  const PATIENCE_MS = 3000
  const NOWHERE = { x: [], y: [] }
  /** @type {[number, number] | null} where the pointer is, in the plot's coordinates */
  let pointer = null
  let asked = 0
  let answered = 0
  let since = 0
  let isPressed = false
  for (const name of ["pointerdown", "pointerup", "pointercancel"]) {
    const note = () => {
      isPressed = name === "pointerdown"
    }
    addEventListener(name, note, { capture: true, passive: true })
  }

  /** @param {PatternTipModels} models */
  function ask({ asked: channel }) {
    if (pointer == null) return
    since = performance.now()
    channel.tags = [...pointer, ++asked]
  }

  /**
   * @param {PatternTipModels} models
   * @param {object} data
   */
  const ring = ({ mark }, data) => mark.setv({ data }, { sync: false, check_eq: false })

  /**
   * @param {PatternTipModels} models
   * @param {{ x: number, y: number }} place
   */
  function move(models, { x, y }) {
    if (isPressed) return leave(models) // a drag
    pointer = [x, y]
    if (asked === answered || performance.now() - since > PATIENCE_MS) ask(models)
  }

  /** @param {PatternTipModels} models */
  function leave(models) {
    if (pointer == null) return
    pointer = null
    headbrush.notes.tell(null)
    ring(models, NOWHERE)
  }

  /** @param {PatternTipModels} models */
  function show(models) {
    const [number, words, pictures, place] = models.told.tags
    if (number !== asked) return
    const isFirst = answered !== number
    answered = number
    if (pointer == null) return
    headbrush.notes.tell(words, pictures)
    ring(models, words == null ? NOWHERE : { x: [place[0]], y: [place[1]] })
    const [x, y] = models.asked.tags
    if (isFirst && (pointer[0] !== x || pointer[1] !== y)) setTimeout(ask, PAUSE_MS, models)
  }

  return { leave, move, show }
})()
