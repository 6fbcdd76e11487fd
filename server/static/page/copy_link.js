// Copy link: into the clipboard, or, where the browser allows none, into a selected text field.
document.getElementById("copy_link").addEventListener("click", async () => {
  hbAddress.show()
  const said = document.getElementById("said")
  const address = document.getElementById("address")
  const [, leftOut] = window.Bokeh?.documents[0]?.get_model_by_name("link")?.tags ?? []
  const copied = await (navigator.clipboard?.writeText(location.href) ?? Promise.reject()).then(
    () => true, () => false)
  address.hidden = copied
  if (!copied) {
    address.value = location.href
    address.focus()
    address.select()
  }
  said.textContent = (copied ? "link copied" : "copy this link") + (leftOut ? "; " + leftOut : "")
  setTimeout(() => { said.textContent = "" }, 6000)
})
document.getElementById("address").addEventListener("blur", (event) => {
  event.target.hidden = true
})
