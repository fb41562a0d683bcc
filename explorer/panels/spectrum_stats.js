// Numbers below the plot, and the brightness of the source's observations.
export function render({ model }) {
  const root = h("div", { class: "below" });
  const update = () => {
    const c = model.content;
    swap(root,
      h("div", { class: "stats" }, ...(c.stats ?? []).map((item) => h("div", { title: item.title },
        h("span", {}, item.label), h("em", {}, item.value, item.note ? h("small", {}, ` ${item.note}`) : null)))),
      c.curve ? h("div", { class: "track-h" }, h("b", {}, "Brightness over time"), h("span", {}, "0.3–10 keV, counts/s"), h("span", { class: "spacer" }),
        h("button", { class: "link", "data-key": "open", onclick: () => model.send_msg({ type: "trajectory" }) }, "Open trajectory")) : null,
      c.curve ? h("div", { class: "track" }, lightCurve(c.curve, (row) => model.send_msg({ type: "pick", row }))) : null);
  };
  model.on("content", update);
  model.on("after_render", update);
  return root;
}
