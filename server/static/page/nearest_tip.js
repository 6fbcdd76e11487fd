// A, D1: asks the server which point is nearest to the pointer, one question at a time, and shows its
// answer beside the pointer (server/views/common/nearest_tip.py).
headbrush.nearestTip = (() => {
  const PAUSE_MS = 40
  const PATIENCE_MS = 3000
  const NOWHERE = { x: [], y: [] }
  /** @typedef {{pointer: [number, number] | null, asked: number, answered: number, since: number}} Talk */
  /** @type {WeakMap<BokehModel, Talk>} of each plot; `pointer` is in the plot's coordinates */
  const talks = new WeakMap()
  let isPressed = false
  for (const name of ["pointerdown", "pointerup", "pointercancel"]) {
    const note = () => {
      isPressed = name === "pointerdown"
    }
    addEventListener(name, note, { capture: true, passive: true })
  }

  /** @param {NearestTipModels} models */
  function talkOf({ asked }) {
    const talk = talks.get(asked) ?? { pointer: null, asked: 0, answered: 0, since: 0 }
    talks.set(asked, talk)
    return talk
  }

  /** @param {NearestTipModels} models */
  function ask(models) {
    const talk = talkOf(models)
    if (talk.pointer == null) return
    talk.since = performance.now()
    models.asked.tags = [...talk.pointer, ++talk.asked]
  }

  /**
   * @param {NearestTipModels} models
   * @param {object} data
   */
  const ring = ({ mark }, data) => mark.setv({ data }, { sync: false, check_eq: false })

  /**
   * @param {NearestTipModels} models
   * @param {{ x: number, y: number }} place
   */
  function move(models, { x, y }) {
    if (isPressed) return leave(models) // a drag
    const talk = talkOf(models)
    talk.pointer = [x, y]
    if (talk.asked === talk.answered || performance.now() - talk.since > PATIENCE_MS) ask(models)
  }

  /** @param {NearestTipModels} models */
  function leave(models) {
    const talk = talkOf(models)
    if (talk.pointer == null) return
    talk.pointer = null
    headbrush.notes.tell(null)
    ring(models, NOWHERE)
  }

  /** @param {NearestTipModels} models */
  function show(models) {
    const talk = talkOf(models)
    const [number, words, pictures, place] = models.told.tags
    if (number !== talk.asked) return
    const isFirst = talk.answered !== number
    talk.answered = number
    if (talk.pointer == null) return
    headbrush.notes.tell(words, pictures)
    ring(models, words == null ? NOWHERE : { x: [place[0]], y: [place[1]] })
    const [x, y] = models.asked.tags
    if (isFirst && (talk.pointer[0] !== x || talk.pointer[1] !== y))
      setTimeout(ask, PAUSE_MS, models)
  }

  return { leave, move, show }
})()
