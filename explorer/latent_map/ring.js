// The ring around what was picked closes in on it. Not for those who want no motion; not when only the view changed.
// args: milliseconds, wide (how much wider it begins)
// What it remembers lies with the model: Bokeh makes a module for each event that comes while the first is compiled.

export default ({ milliseconds, wide }, ring) => {
  const own = (ring.own ??= { at: "", begun: 0 })
  const { x, y, size } = ring.data, place = String([x, y])
  if (place == own.at) return
  own.at = place
  if (x.length == 0 || matchMedia("(prefers-reduced-motion: reduce)").matches) return
  const mine = (own.begun = performance.now()), end = size[0]
  const step = () => {
    if (mine != own.begun || place != String([ring.data.x, ring.data.y])) return
    const share = Math.min((performance.now() - mine) / milliseconds, 1), left = (1 - share) ** 3
    ring.setv({ data: { ...ring.data, size: [end * (1 + (wide - 1) * left)] } }, { sync: false })
    if (share < 1) setTimeout(step, milliseconds / 3)  // each step repaints the whole map, which the spectrum waits for
  }
  step()
}
