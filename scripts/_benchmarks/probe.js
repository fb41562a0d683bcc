// In a page of ours or of the stock map: what a person's hand did, and when its answer was painted. Times are of this
// page's own clock, so that driving the browser from outside costs nothing.
window.probe = (() => {
  const models = () => [...(window.Bokeh?.documents?.[0]?._all_models?.values?.() ?? [])]
  const sources = () => models().filter((m) => m.data instanceof Object && m.type?.endsWith("ColumnDataSource"))
  const image = () => sources().find((m) => "image" in m.data && (m.data.dw?.[0] ?? m.data.dw) > 0)
  const figure = () => models().find((m) => m.x_range && m.renderers?.some((r) => r.data_source === image()))
  const first = (value) => (typeof value == "number" ? value : value?.[0])
  const fits = () => {
    const [source, plot] = [image(), figure()]
    if (!source || !plot) return false
    const d = source.data, x = plot.x_range, y = plot.y_range, near = (a, b, span) => Math.abs(a - b) < 2e-3 * span
    return near(first(d.x), x.start, x.end - x.start) && near(first(d.dw), x.end - x.start, x.end - x.start) &&
      near(first(d.y), y.start, y.end - y.start) && near(first(d.dh), y.end - y.start, y.end - y.start)
  }
  const painted = (then) => requestAnimationFrame(() => setTimeout(() => then(performance.now()), 0))
  const PATIENCE = 20_000  // whatever is waited for: a benchmark says what did not come, and does not hang
  const when = (ready, what = "the map") => new Promise((done, fail) => {
    const begun = performance.now()
    const look = () => {
      if (ready()) painted(done)
      else if (performance.now() - begun > PATIENCE) fail(new Error(`${what} did not come`))
      else setTimeout(look, 2)
    }
    look()
  })
  const input = {}
  for (const kind of ["wheel", "pointerdown", "pointermove", "pointerup", "keydown"])
    window.addEventListener(kind, (event) => { input[kind] = event.timeStamp }, { capture: true, passive: true })
  const still = () => { const image = document.querySelector(".xle-mapslot .first"); return image?.complete && image.naturalWidth > 0 }
  const seen = when(() => still() || fits())  // a map to look at; ours is an image in the page at first
  const opened = when(fits)  // the map that follows the hand
  seen.catch(() => {})
  let answer = null
  const arm = (what, ready) => { answer = when(ready, what); answer.catch(() => {}) }
  const changed = (find) => { const before = find()?.data; return () => { const now = find()?.data; return now && now !== before } }
  return {
    seen: () => seen,
    opened: () => opened,
    answer: () => answer,
    since: async (kind) => (await answer) - input[kind],
    arm_image: () => {  // another image than now, and the one of the view on screen
      const before = image()?.data
      arm("the next image", () => image()?.data !== before && fits())
    },
    arm_spectrum: () => arm("the spectrum", changed(() => sources().find((m) => "band_lo" in m.data))),
    arm_tag: () => arm("the number", ((ready) => () => ready() && sources().find((m) => m.name == "xle-tag").data.text.length)(changed(() => sources().find((m) => m.name == "xle-tag")))),
    // A hand that pans by itself: many tabs cannot share one mouse.
    pan: async (steps) => {
      const times = [], { x_range: x } = figure()
      for (let step = 0; step < steps; step++) {
        const by = (step % 2 ? -0.06 : 0.06) * (x.end - x.start), begun = performance.now(), before = image().data
        x.setv({ start: x.start + by, end: x.end + by })
        times.push((await when(() => image().data !== before && fits(), "a panned image")) - begun)
        await new Promise((done) => setTimeout(done, 30))
      }
      return times
    },
  }
})()
