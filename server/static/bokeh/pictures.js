// A picture of a byte a pixel has at most 256 colours. Bokeh works out each pixel's colour by itself, and
// reads back the picture before it writes the new one: together half of what a brush's pictures cost.
// Here its own mapper colours the 256 values, and pixels look theirs up. `_flat_img_to_buf8`,
// `_set_image_data_from_buffer` and `_get_or_create_canvas` of the view of `Image` are private, looked at in
// 3.8.2 and 3.9.2. Without them pages work as before, only slower.
;(() => {
  const images = Bokeh.require("models/glyphs/image").ImageView?.prototype
  const usual = images?._flat_img_to_buf8
  if (usual === undefined || images._get_or_create_canvas === undefined) {
    console.error("headbrush: this BokehJS draws pictures in another way; they slow a page down")
    return
  }
  const VALUES = Uint8Array.from({ length: 256 }, (_, value) => value)

  images._flat_img_to_buf8 = function colours(/** @type {any} */ picture) {
    const mapper = this.model.color_mapper
    const isFixed = mapper.low != null && mapper.high != null && mapper.domain?.length === 0
    if (picture.dtype !== "uint8" || !isFixed) return usual.call(this, picture)
    const table = new Uint32Array(mapper.rgba_mapper.v_compute(VALUES).buffer)
    const pixels = new Uint32Array(picture.length)
    for (let at = 0; at < pixels.length; at++) pixels[at] = table[picture[at]]
    return new Uint8ClampedArray(pixels.buffer)
  }

  images._set_image_data_from_buffer = function put(
    /** @type {number} */ number,
    /** @type {Uint8ClampedArray<ArrayBuffer>} */ colours,
  ) {
    const canvas = this._get_or_create_canvas(number)
    const whole = new ImageData(colours, canvas.width, canvas.height)
    canvas.getContext("2d", { willReadFrequently: true }).putImageData(whole, 0, 0)
    this.image_data[number] = canvas
  }
})()
