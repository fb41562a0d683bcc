// Tells the server what this browser looks at, all of it in one message; goes where the server asks.
// args: figure, x, y (its ranges), told, go, image (ColumnDataSources), rest (milliseconds), cookie (for the size)
// What it remembers lies with the model.

export default ({ figure, x, y, told, go, image, rest, cookie }, what) => {
  const own = (told.own ??= { waiting: false, moving: false, timer: 0, gone: 0, last: "", size: "" })
  const at = () => [x.start, x.end, y.start, y.end]
  const arrived = () => String(at()) == String([go.data.x0, go.data.x1, go.data.y0, go.data.y1])
  const [number] = go.data.number
  if (number > own.gone) {
    own.gone = number
    x.setv({ start: go.data.x0[0], end: go.data.x1[0] })
    y.setv({ start: go.data.y0[0], end: go.data.y1[0] })
    own.moving = false
  } else if ((what === x || what === y) && !arrived()) {
    own.moving = true
    clearTimeout(own.timer)
    own.timer = setTimeout(() => { own.moving = false; tell() }, rest)
  }
  const tell = () => {
    own.waiting = false
    const side = (name) => (figure.properties[name].is_unset ? 0 : Math.round(figure.properties[name].get_value()))
    const [x0, x1, y0, y1] = at()
    const look = { x0, x1, y0, y1, width: side("inner_width"), height: side("inner_height"), moving: own.moving, gone: own.gone, seen: image.data.number?.[0] ?? 0 }
    const text = JSON.stringify(look)
    if (text == own.last) return
    own.last = text
    const size = `${look.width}x${look.height}`
    if (look.width && size != own.size) document.cookie = `${cookie}=${(own.size = size)}; path=/; SameSite=Strict; max-age=31536000`
    told.data = Object.fromEntries(Object.entries(look).map(([name, value]) => [name, [value]]))
  }
  if (own.waiting) return
  own.waiting = true
  queueMicrotask(tell)  // the four ends of the ranges change one after the other
}
