// Two rows of choices; the chosen one is inverted.
const DENSITY = [["equal", "Equal", "Half rank, half logarithm: every density gets its share of contrast"], ["log", "Log", "Logarithm of detections per pixel"], ["linear", "Lin", "Detections per pixel"]];
const MODES = [["replace", "Replace", "Replace the selection"], ["add", "Add", "Add to the selection"], ["subtract", "Subtract", "Take from the selection"], ["intersect", "Intersect", "Keep what both hold"]];
export function render({ model }) {
  const choices = (property, options, pictures) => options.map(([value, label, title]) =>
    [property, value, h("button", { title, onclick: () => model.send_msg({ [property]: value }) }, pictures ? icon(value) : null, label)]);
  const density = choices("density", DENSITY, false), modes = choices("selection_mode", MODES, true);
  const show = () => { for (const [property, value, node] of [...density, ...modes]) node.setAttribute("aria-pressed", String(model[property] === value)); };
  model.on(["density", "selection_mode"], show);
  show();
  return h("div", {},
    h("section", { class: "block ruled" }, h("div", { class: "field" }, h("span", { class: "name" }, "Density"), h("div", { class: "seg", role: "group", "aria-label": "Density scale" }, density.map(([, , node]) => node)))),
    h("section", { class: "block ruled" }, h("h2", {}, "Next selection will"), h("div", { class: "seg tall", role: "group", "aria-label": "Next selection will" }, modes.map(([, , node]) => node))));
}
