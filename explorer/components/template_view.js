// One row a template: its curve over energy, and the weight as a bar from zero, before where the atlas lies.
export function render({ model }) {
  const root = h("div", { class: "templates" });

  const curve = (row) => {
    const points = row.curve.map((y, i) => `${((i / (row.curve.length - 1)) * 100).toFixed(1)},${(20 - 17 * y).toFixed(1)}`).join(" ");
    return s("svg", { class: "shape", viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("path", { d: "M0 20H100", class: "zero" }), s("polyline", { points, class: "line" }));
  };

  const bar = (row) => {
    const place = (at) => `${(100 * at).toFixed(2)}%`;
    const span = (class_, from, to) => h("i", { class: class_, style: { left: place(Math.min(from, to)), width: place(Math.abs(to - from)) } });
    return h("span", { class: "scale" }, span("range", row.low, row.high), span("bar", row.zero, row.at),
      h("i", { class: "zero", style: { left: place(row.zero) } }), h("i", { class: "here", style: { left: place(row.at) } }));
  };

  const update = () => {
    const rows = model.content.rows ?? [];
    swap(root,
      h("div", { class: "what sub" }, "ln F(E) = mean of the atlas + weights × templates"),
      h("div", { class: "headings" }, h("span", {}, "0.3–10 keV"), h("span", {}, "Weight, and 90 % of the atlas"), h("span", {}), h("span", { title: "Share of the variance of ln F(E) over the atlas" }, "Variance")),
      h("div", { class: "lines", role: "list" }, ...rows.map((row) => h("div", { class: "template", role: "listitem", title: row.title },
        curve(row), bar(row), h("b", {}, row.weight), h("span", { class: "share" }, row.share)))));
  };
  model.on("content", update);
  model.on("after_render", update);
  return root;
}
