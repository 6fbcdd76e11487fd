// The files that a report carries, and its matrices as CSV.
(() => {
  function hand(name, blob) {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(blob)
    link.download = name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10000)
  }

  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
    return new Response(stream).blob()
  }

  // Rows are source tokens, columns target tokens
  function matrixText(codes) {
    const side = Math.round(Math.sqrt(codes.length))
    const rows = Array.from({ length: side }, (_, row) => Array.from(
      codes.slice(row * side, (row + 1) * side), (code) => headbrush.VALUES[code].toPrecision(4)))
    return rows.map((row) => row.join(",")).join("\n") + "\n"
  }

  document.addEventListener("click", async ({ target }) => {
    const { file, matrix, head } = target.dataset ?? {}
    if (file != null) {
      hand(file, await unpacked(document.getElementById("file-" + file).textContent.trim()))
    } else if (matrix != null) {
      const source = Bokeh.documents[0].get_model_by_id(matrix)
      hand(head + ".csv", new Blob([matrixText(source.get_column("code"))], { type: "text/csv" }))
    }
  })
})()
