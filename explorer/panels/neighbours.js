// What looks like the picked spectrum: small spectra, names, distances. Click one to hop there.
const METRICS = [["wasserstein", "Wasserstein"], ["bhattacharyya", "Bhattacharyya"], ["euclidean", "Euclidean"]];
const METRIC_HELP = "Wasserstein: distance of the latent means and of their errors. Bhattacharyya: overlap of the two error ellipses. Euclidean: the means alone.";

export function render({ model }) {
  const root = h("div", { class: "sheetpart" });
  let shown = null, late = 0;

  const spark = (heights) => {
    const points = heights.map((value, i) => `${((i / (heights.length - 1)) * 76).toFixed(1)},${(44 - value * 42).toFixed(1)}`).join(" ");
    return s("svg", { viewBox: "0 0 76 46", "aria-hidden": "true" }, heights.length ? s("polyline", { points, fill: "none", stroke: "var(--data)", "stroke-width": 1.25, "stroke-linejoin": "round" }) : null);
  };

  const line = (item, i) => h("button", { class: "neighbour", "data-key": `n${item.row}`, title: "Hop to this detection", onclick: () => model.send_msg({ type: "pick", row: item.row }) },
    spark(model.sparks[i] ?? []),
    h("span", { class: "who" }, h("span", {}, classChip(item.token, item.class_label), h("b", { title: item.name }, item.short_name)),
      h("span", { class: "sub" }, h("span", { class: "clip" }, item.class_label), h("span", { class: "dim" }, "·"), h("span", {}, item.counts))),
    h("span", { class: "far" }, h("span", {}, item.distance), h("span", { class: "same" }, item.same ? "same within σ" : "")));

  const save = saveButton(model, "similar", "Save the small spectra as a figure");
  const skeleton = () => h("div", { class: "waiting" }, ...[[22, 62], [14, 44], ...Array(8).fill([46, 100])].map(([height, width]) =>
    h("div", { class: "sk", style: { height: `${height}px`, width: `${width}%` } })));

  const update = () => {
    const c = model.content;
    clearTimeout(late);
    if (c.state === "loading") { root.replaceChildren(); late = setTimeout(() => swap(root, skeleton()), 150); return; }
    if (c.state === "error") { swap(root, errorBox(c.error, () => model.send_msg({ type: "retry" }))); return; }
    if (c.state === "empty") { swap(root, h("div", { class: "state" }, h("h3", {}, c.title), h("p", {}, c.text))); return; }
    const scroll = shown === c.of ? root.querySelector(".scroll")?.scrollTop ?? 0 : 0;
    shown = c.of;
    swap(root,
      h("div", { class: "lead" }, h("h1", { title: c.title }, c.title), h("p", {}, c.text)),
      h("div", { class: "caption", style: { "padding-bottom": "8px" } }, h("b", {}, `${c.items.length} most similar`), h("span", { class: "spacer" }),
        c.metric_fixed ? h("span", {}, "distance on the map") : h("label", { class: "select", title: METRIC_HELP }, "Distance",
          h("select", { "data-key": "metric", "aria-label": "Distance", onchange: (event) => { model.metric = event.target.value; } },
            ...METRICS.map(([value, label]) => h("option", { value, selected: value === model.metric }, label))), icon("down")), save),
      h("div", { class: "scroll" }, ...c.items.map(line)));
    root.querySelector(".scroll").scrollTop = scroll;
  };
  model.on("content", update);
  model.on("sparks", update);
  model.on("after_render", update);
  return root;
}
