// What colours the map, and how density is shown. The chosen scale is inverted.
const DENSITY = [["equal", "Equal", "Half rank, half logarithm: every density gets its share of contrast"], ["log", "Log", "Logarithm of detections per pixel"], ["linear", "Lin", "Detections per pixel"]];
export function render({ model }) {
  const option = ([value, words]) => h("option", { value }, words);
  const quantities = model.choices.slice(2);
  const colour = h("select", { "aria-label": "Colour by", onchange: () => model.send_msg({ colour_by: colour.value }) },
    model.choices.slice(0, 2).map(option), quantities.length ? h("optgroup", { label: "Mean of" }, quantities.map(option)) : null);
  const density = DENSITY.map(([value, label, title]) => [value, h("button", { title, onclick: () => model.send_msg({ density: value }) }, label)]);
  const show = () => {
    colour.value = model.colour_by;
    const [, words, meaning] = model.choices.find(([value]) => value === model.colour_by) ?? [];
    colour.title = model.colour_by === "class" ? "Hue: the mean of the classes in a pixel" : model.colour_by === "count" ? "One ink: only how many there are" : `Hue: the mean of the detections in a pixel. ${words}: ${meaning}`;
    for (const [value, node] of density) node.setAttribute("aria-pressed", String(model.density === value));
  };
  model.on(["density", "colour_by"], show);
  show();
  return h("section", { class: "block ruled" },
    h("div", { class: "field" }, h("span", { class: "name" }, "Colour by"), h("div", { class: "select native" }, colour, icon("down"))),
    h("div", { class: "field" }, h("span", { class: "name" }, "Density"), h("div", { class: "seg", role: "group", "aria-label": "Density scale" }, density.map(([, node]) => node))));
}
