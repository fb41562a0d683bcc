// A second ring closes in on what was picked, where Bokeh draws the lasting one. It is an element of the page, because
// each step of a glyph would repaint all marks, which the spectrum then waits for. Not when only the view changed; for
// those who want no motion the style sheet leaves it out.
// args: figure, x, y (its ranges)
// What it remembers lies with the model.

export default ({ figure, x, y }, ring) => {
  const own = (ring.own ??= { at: "" }), [px] = ring.data.x, [py] = ring.data.y, place = String([px, py])
  if (place == own.at) return
  own.at = place
  own.node?.remove()
  const [width, height] = ["inner_width", "inner_height"].map((side) => figure.properties[side].is_unset ? 0 : figure.properties[side].get_value())
  if (px === undefined || !width) return
  const [size] = ring.data.size
  own.node = document.createElement("div")
  own.node.className = "closing"
  own.node.style.cssText = `left: ${((px - x.start) / (x.end - x.start)) * width}px; top: ${((y.end - py) / (y.end - y.start)) * height}px; width: ${size}px; height: ${size}px`
  own.node.addEventListener("animationend", () => own.node.remove())
  document.querySelector(".xle-mapslot")?.append(own.node)
}
