// The files that a report carries, and its matrices as CSV.
;(() => {
  /**
   * Bytes of a text in base64.
   * @param {string} text
   */
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))

  /**
   * Rows are source tokens, columns target tokens.
   * @param {Codes} codes
   */
  function matrixText(codes) {
    const side = Math.round(Math.sqrt(codes.length))
    const words = Array.from(codes, (code) => headbrush.matrix.VALUES[code].toPrecision(4))
    const row = (/** @type {number} */ at) => words.slice(at * side, (at + 1) * side).join(",")
    return `${Array.from({ length: side }, (_, at) => row(at)).join("\n")}\n`
  }

  document.addEventListener("click", async ({ target }) => {
    if (!(target instanceof HTMLElement)) return
    const { file, matrix, head } = target.dataset
    const { download, gunzip } = headbrush.files
    if (file != null) {
      const packed = headbrush.ready.element(`file-${file}`).textContent.trim()
      download(file, await gunzip(bytesOf(packed)))
    } else if (matrix != null) {
      const source = Bokeh.documents[0].get_model_by_id(matrix)
      if (source == null) throw new Error(`the report has no model with the id "${matrix}"`)
      download(
        `${head}.csv`,
        new Blob([matrixText(source.get_column("code"))], { type: "text/csv" }),
      )
    }
  })
})()
