// Unpacks a frame and shows it: packing.py says how it is packed.
// args: image, wire (ColumnDataSources)
export default ({ image, wire }) => {
  const got = Object.fromEntries(Object.entries(wire.data).map(([name, [value]]) => [name, value]))
  const { packed, colours, lit, width, height, x, y, dw, dh, number } = got
  if (number === undefined || number === image.data.number[0]) return
  const Pixels = image.data.image[0].constructor, bytes = new Uint8Array(packed.buffer, packed.byteOffset, packed.length)
  const whole = bytes.byteOffset % 4 ? bytes.slice() : bytes, part = (Kind, from, n) => new Kind(whole.buffer, whole.byteOffset + from, n)
  let pixels
  if (colours < 0) pixels = part(Uint32Array, 0, width * height)
  else {
    pixels = new Uint32Array(width * height)
    const table = part(Uint32Array, 0, colours), inks = part(Uint16Array, 4 * colours, lit), bits = whole.subarray(4 * colours + 2 * lit)
    for (let byte = 0, next = 0; byte < bits.length; byte++)
      for (let left = bits[byte], at = 8 * byte; left; left >>= 1, at++) if (left & 1) pixels[at] = table[inks[next++]]
  }
  image.data = { image: [new Pixels(pixels, [height, width])], x: [x], y: [y], dw: [dw], dh: [dh], number: [number] }
  const still = document.querySelector(".xle-mapslot .first")  // gives way when the live map has been painted
  if (still) requestAnimationFrame(() => requestAnimationFrame(() => still.remove()))
}
