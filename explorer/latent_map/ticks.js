// Numbers of an axis inside the frame: true minus, as many decimals as the step needs, none where a card or a corner is.
// args: plot, range, side ("x" or "y")
const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1
const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-6))
const length = plot.properties[side == "x" ? "inner_width" : "inner_height"]
if (!length.is_unset) {  // it is unset before the first layout
  const size = length.get_value()
  const at = (tick - range.start) / (range.end - range.start) * size
  const [first, last] = side == "x" ? [44, 40] : [34, 92]
  if (at < first || at > size - last) return ""
}
return tick.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "−")
