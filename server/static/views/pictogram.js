// B2: the blocks of the attention matrix that a mode prunes, filled in a square; called by Bokeh for
// each marker. Region 2 is among prefix tokens, 4 among patches, 3 between the two.
export default ({ regions }, _marker, { ctx, i, r, visuals }) => {
  const thin = Math.round(0.7 * r)
  const side = 2 * r
  const thick = side - thin
  const blocks = {
    2: [[0, 0, thin, thin]],
    3: [
      [thin, 0, thick, thin],
      [0, thin, thin, thick],
    ],
    4: [[thin, thin, thick, thick]],
  }
  for (const region of regions) {
    for (const [x, y, width, height] of blocks[region]) ctx.rect(x - r, y - r, width, height)
  }
  visuals.fill.apply(ctx, i)
  ctx.beginPath()
  ctx.rect(-r, -r, side, side)
  visuals.line.apply(ctx, i)
}
