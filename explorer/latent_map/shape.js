// Draws a mark in a shape that Bokeh has not.
// args: outline (an SVG path, in pixels), size (its width)
export default ({ outline, size }, _glyph, { r }) => {
  const shape = new Path2D()
  shape.addPath(new Path2D(outline), new DOMMatrix().scale(2 * r / size))
  return shape
}
