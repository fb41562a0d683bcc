// The plot's key, upper right, where X-ray spectra are low; over the figure, not in it.
const GLYPHS = {
  counts: () => [s("path", { d: "M0 8h16M8 3v10", stroke: "var(--data)" }), s("circle", { cx: 8, cy: 8, r: 1.8, fill: "var(--data)" })],
  limit: () => [s("path", { d: "M2 5h12", stroke: "var(--data)", opacity: 0.6 }), s("path", { d: "M5 6h6l-3 6Z", fill: "var(--data)", opacity: 0.6 })],
  model: () => [s("path", { d: "M0 8h16", stroke: "var(--model)", "stroke-width": 2 })],
  decoded: () => [s("path", { d: "M0 8h16", stroke: "var(--model)", "stroke-dasharray": "5 3", opacity: 0.8 })],
  band: () => [s("rect", { y: 4, width: 16, height: 8, fill: "var(--band)" })],
  background: () => [s("path", { d: "M0 8h16", stroke: "var(--background)", "stroke-width": 1.5, "stroke-dasharray": "1.5 2.5" })],
};

export function render({ model }) {
  const root = h("div", { class: "plotkey" });
  const update = () => swap(root,
    h("ul", {}, ...(model.content.lines ?? []).map(([glyph, label]) => h("li", {}, label, s("svg", { width: 16, height: 16, fill: "none", "aria-hidden": "true" }, GLYPHS[glyph]())))),
    model.content.warning ? h("span", { class: "caution" }, model.content.warning) : null,
    model.content.note ? h("span", { class: "note" }, model.content.note) : null);
  model.on("content", update);
  model.on("after_render", update);
  return root;
}
