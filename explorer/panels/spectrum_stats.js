// Numbers below the plot, the brightness of the source's observations, and on tall screens what looks most like it.
export function render({ model }) {
  const root = h("div", { class: "below" });
  const spark = (heights) => s("svg", { viewBox: "0 0 100 46", preserveAspectRatio: "none", "aria-hidden": "true" }, s("polyline", {
    points: heights.map((value, i) => `${((i / (heights.length - 1)) * 100).toFixed(1)},${(44 - value * 42).toFixed(1)}`).join(" "),
    fill: "none", stroke: "var(--data)", "stroke-width": 1.25, "stroke-linejoin": "round", "vector-effect": "non-scaling-stroke" }));
  const card = (item) => h("button", { "data-key": `s${item.row}`, title: `${item.name}, ${item.class_label}, ${item.counts}`, onclick: () => model.send_msg({ type: "pick", row: item.row }) },
    h("span", { class: "who" }, classChip(item.token, item.class_label), h("b", {}, item.short_name.slice(0, 5)), h("span", { class: "far" }, item.distance)), spark(item.spark),
    h("span", { class: "same" }, item.same ? "same within σ" : ""));
  // skeletons of the final shape hold the place, so that nothing jumps
  const strip = (c) => {
    const items = model.similar.row === c.row ? model.similar.items : null;
    return [h("div", { class: "track-h sim-h" }, h("b", {}, "Most similar"), h("span", {}, "Wasserstein distance"), h("span", { class: "spacer" }),
      h("button", { class: "link", "data-key": "open-similar", onclick: () => model.send_msg({ type: "similar" }) }, "Open all 20")),
    h("div", { class: "simi" }, items ? items.map(card) : Array.from({ length: 4 }, () => h("i")))];
  };
  // its place is kept where there is one observation only: the plot above would be laid out anew with every pick
  const brightness = (c) => [
    h("div", { class: "track-h" }, h("b", {}, "Brightness over time"), h("span", {}, "0.3–10 keV, counts/s"), h("span", { class: "spacer" }),
      c.curve ? h("button", { class: "link", "data-key": "open", onclick: () => model.send_msg({ type: "trajectory" }) }, "Open trajectory") : null),
    h("div", { class: "track" }, c.curve ? lightCurve(c.curve, (row) => model.send_msg({ type: "pick", row })) : h("p", { class: "once" }, c.once))];
  const tall = matchMedia("(min-height: 1100px)");
  const measure = () => model.send_msg({ type: "tall", tall: tall.matches });
  tall.addEventListener("change", measure);
  model.on("remove", () => tall.removeEventListener("change", measure));

  const update = () => {
    const c = model.content;
    swap(root,
      h("div", { class: "stats" }, ...(c.stats ?? []).map((item) => h("div", { title: item.title },
        h("span", {}, item.label), h("em", {}, item.value, item.note ? h("small", {}, ` ${item.note}`) : null)))),
      ...(c.row === undefined ? [] : [...brightness(c), ...strip(c)]));
  };
  model.on("content", update);
  model.on("similar", update);
  model.on("after_render", () => { update(); if (tall.matches) measure(); });
  return root;
}
