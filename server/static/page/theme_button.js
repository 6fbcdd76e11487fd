// The button that changes the theme, and the channel that tells the server which one is shown: what
// the server draws (densities, matrices) follows.
;(() => {
  const { ready, theme } = headbrush
  ready.element("theme").addEventListener("click", theme.toggle)
  document.addEventListener("headbrush_theme", () => {
    const channel = ready.model("theme")
    if (channel.tags[0] !== theme.now()) channel.tags = [theme.now()]
  })
})()
