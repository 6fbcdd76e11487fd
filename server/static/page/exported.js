// Saves the files that the server has made (server/views/header/file_export.py).
headbrush.ready.whenShown(() => {
  const { files, ready } = headbrush
  const exported = ready.model("exported")

  async function download() {
    const [name, packed] = exported.tags
    if (name == null) return
    exported.tags = [] // the server forgets it, too
    const type = name.endsWith(".html") ? "text/html" : "text/csv"
    files.download(name, await files.gunzip(packed, type))
  }

  exported.properties.tags.change.connect(download)
})
