// Files between the page and the reader: unpacked here, and saved by the browser.
globalThis.headbrush ??= /** @type {Headbrush} */ ({})
headbrush.files = (() => {
  const KEPT_MS = 10_000

  /**
   * Let the browser save a file.
   * @param {string} name
   * @param {Blob} content
   */
  function download(name, content) {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(content)
    link.download = name
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS)
  }

  /**
   * What gzip packed.
   * @param {BlobPart} packed
   * @param {string} type media type of the content
   */
  async function gunzip(packed, type = "") {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))
    return new Blob([await new Response(stream).blob()], { type })
  }

  return { download, gunzip }
})()
