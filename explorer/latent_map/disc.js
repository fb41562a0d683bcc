// The disc tool: press at its middle, drag out its radius; Esc lets go of it. Only while none of Bokeh's tools drags.
// args: figure, disc (what is drawn), drawn (what the server hears of)
const LEAST = 4  // pixels: a smaller disc is a click that slipped
// What it remembers lies with the model.
const none = { x: [], y: [], size: [] }

export default ({ figure, disc, drawn }, event) => {
  const own = (disc.own ??= { start: null })
  const show = (data) => disc.setv({ data }, { sync: false })
  if (event.event_name == "panstart") {
    if (figure.toolbar.active_drag != null) return
    own.start = event
    const escape = (key) => {
      if (key.key != "Escape") return
      key.stopImmediatePropagation()
      own.start = null
      show(none)
    }
    window.addEventListener("keydown", escape, true)
    window.addEventListener("pointerup", () => window.removeEventListener("keydown", escape, true), { once: true })
  }
  const { start } = own
  if (start == null) return
  const radius = Math.hypot(event.sx - start.sx, event.sy - start.sy)
  if (event.event_name != "panend") return show({ x: [start.x], y: [start.y], size: [2 * radius] })
  const { x, y } = start
  own.start = null
  show(none)
  if (radius < LEAST) return
  const per = (range, size) => (range.end - range.start) / size
  const rx = radius * per(figure.x_range, figure.inner_width), ry = radius * per(figure.y_range, figure.inner_height)
  drawn.data = { x: [x], y: [y], rx: [rx], ry: [ry] }
}
