// How a region or class joins what is brushed already, as the held keys say; the server's rule is
// the same (server/views/common/figure_tools.py).
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.combine = (() => {
  /**
   * Shift adds, Ctrl keeps what is in both, both take away.
   * @param {boolean} shift
   * @param {boolean} control
   * @returns {Combine}
   */
  function fromKeys(shift, control) {
    if (shift && control) return "subtract"
    if (shift) return "add"
    return control ? "intersect" : "replace"
  }

  /**
   * Of a click; the Command key counts as Ctrl.
   * @param {MouseEvent} event
   */
  const fromClick = (event) => fromKeys(event.shiftKey, event.ctrlKey || event.metaKey)

  /**
   * Two lists of ids joined; an empty `old` means that nothing was brushed, so all count.
   * @param {number[]} old
   * @param {number[]} added
   * @param {Combine} combine
   */
  function joinIds(old, added, combine) {
    const had = new Set(old)
    const has = new Set(added)
    if (combine === "subtract") return old.filter((id) => !has.has(id))
    if (combine === "intersect") return old.length ? added.filter((id) => had.has(id)) : added
    return combine === "add" ? [...new Set([...old, ...added])].sort((a, b) => a - b) : added
  }

  return { fromClick, fromKeys, joinIds }
})()
