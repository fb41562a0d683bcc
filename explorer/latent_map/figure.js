// Mouse over the map: the ring follows at once in the browser; the server hears of the position a few times a second.
// args: cursor, hover (ColumnDataSources), radius [px]
export default ({ cursor, hover, pause_ms }, event) => {
  const state = (cursor._xle ??= { last: 0, timer: 0 })
  const inside = event.event_name !== "mouseleave"
  const ring = inside ? { x: [event.x], y: [event.y] } : { x: [], y: [] }
  hover.setv({ data: ring }, { sync: false })
  const told = inside ? { x: [event.x], y: [event.y], x_px: [event.sx], y_px: [event.sy] } : { x: [], y: [], x_px: [], y_px: [] }
  clearTimeout(state.timer)
  const tell = () => { state.last = performance.now(); cursor.data = told }
  const wait = state.last + pause_ms - performance.now()
  if (wait <= 0 || !inside) tell()
  else state.timer = setTimeout(tell, wait)
}
