// A page whose websocket cannot open stays empty: say so. A trial websocket tells this from a server
// that is only slow: the server itself closes it with a code of its own, since it knows no such token.
;(() => {
  const PATIENCE_MS = 3000
  const FOREIGN = 4002 // as in host/answers/socket.py
  const { element, isShown, whenShown } = headbrush.ready

  function say() {
    if (isShown()) return
    const note = element("lost")
    note.textContent =
      "This page cannot open a websocket, so it stays empty. " +
      `Start the server with --allow-websocket-origin ${location.host}, ` +
      "and let every proxy in between forward websockets."
    note.hidden = false
    whenShown(() => {
      note.hidden = true // a proxy hid the code
    })
  }

  function probe() {
    if (isShown()) return
    const place = new URL(`${location.pathname.replace(/\/$/, "")}/ws`, location.href)
    place.protocol = place.protocol.replace("http", "ws")
    const trial = new WebSocket(place, ["bokeh", "trial"])
    trial.addEventListener("close", ({ code }) => {
      if (code !== FOREIGN) say()
    })
  }

  setTimeout(probe, PATIENCE_MS)
})()
