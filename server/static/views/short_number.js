// A tick as 0.007, −0.5 or 2e−5. Bokeh calls functions of ticks by their body only, so Python adds the call.
function shortNumber(tick) {
  const short = Number(tick.toPrecision(3))
  const isTiny = Math.abs(short) < 0.001 && short !== 0
  return (isTiny ? short.toExponential() : String(short)).replaceAll("-", "−")
}
