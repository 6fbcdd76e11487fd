// Copy link: into the clipboard, or, where the browser allows none, into a selected text field.
;(() => {
  const SHOWN_MS = 6000
  const { element, isShown, model } = headbrush.ready
  const address = element("address")

  async function isCopied() {
    try {
      await navigator.clipboard.writeText(location.href) // there is none without https
      return true
    } catch {
      return false
    }
  }

  element("copy_link").addEventListener("click", async () => {
    headbrush.address.show()
    const [, leftOut] = isShown() ? model("link").tags : []
    const copied = await isCopied()
    address.hidden = copied
    if (!copied) {
      address.value = location.href
      address.focus()
      address.select()
    }
    const note = element("said")
    note.textContent = (copied ? "link copied" : "copy this link") + (leftOut ? `; ${leftOut}` : "")
    setTimeout(() => {
      note.textContent = ""
    }, SHOWN_MS)
  })
  address.addEventListener("blur", () => {
    address.hidden = true
  })
})()
