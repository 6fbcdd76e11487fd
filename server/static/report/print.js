// Paper is light, of one width whatever the window's, and sharp. A browser does not draw plots again
// for paper, so all is laid out for it on the screen before, and painted at once.
;(() => {
  const SHARP = 2 // pixels of a plot for a pixel of the layout, at least
  const root = document.documentElement
  const ratio = Object.getOwnPropertyDescriptor(window, "devicePixelRatio")
  if (ratio == null) throw new Error("this browser does not say how sharp its screen is")
  let scrolled = 0

  function layOut() {
    headbrush.painting.layOut()
    headbrush.patterns.repaint()
  }

  function begin() {
    scrolled = scrollY
    const value = Math.max(SHARP, devicePixelRatio)
    Object.defineProperty(window, "devicePixelRatio", { value, configurable: true })
    root.classList.add("hb-printing")
    layOut()
    headbrush.theme.print(true)
    headbrush.painting.paintNow()
    headbrush.painting.mergeLayers(true)
  }

  function end() {
    Object.defineProperty(window, "devicePixelRatio", /** @type {PropertyDescriptor} */ (ratio))
    root.classList.remove("hb-printing")
    headbrush.painting.mergeLayers(false)
    layOut()
    headbrush.theme.print(false)
    headbrush.painting.paintNow()
    scrollTo(0, scrolled)
  }

  addEventListener("beforeprint", begin)
  addEventListener("afterprint", end)
})()
