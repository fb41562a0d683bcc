// Mouse over the map: the ring follows at once in the browser; the server hears of the position a few times a second.
// args: cursor, hover (ColumnDataSources), pause_ms
// What it remembers lies with the model.
export default ({ cursor, hover, pause_ms }, event) => {
  const page = document.documentElement.style
  if (!cursor.own)  // the map's focus ring is for those who came by keyboard; a click on it focuses it too
    document.addEventListener("keydown", (pressed) => { if (pressed.key == "Tab") page.removeProperty("--map-focus") })
  page.setProperty("--map-focus", "0px")
  const own = (cursor.own ??= { last: 0, timer: 0, dragging: false }), was = own.dragging
  if (event.event_name == "panstart") own.dragging = true
  if (event.event_name == "panend") own.dragging = false
  if (own.dragging && was) return  // nothing is under a hand that drags
  const inside = event.event_name != "mouseleave" && !own.dragging
  const list = (value) => (inside ? [value] : [])
  hover.setv({ data: { x: list(event.x), y: list(event.y) } }, { sync: false })
  const tell = () => {
    own.last = performance.now()
    cursor.data = { x: list(event.x), y: list(event.y), x_px: list(event.sx), y_px: list(event.sy) }
  }
  clearTimeout(own.timer)
  const wait = inside ? own.last + pause_ms - performance.now() : 0
  if (wait > 0) own.timer = setTimeout(tell, wait)
  else tell()
}
