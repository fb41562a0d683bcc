// What the next selection does to the one that stands; the chosen one is inverted.
const MODES = [["replace", "Replace", "Replace the selection (R)"], ["add", "Add", "Add to the selection (A, or hold Shift)"], ["subtract", "Subtract", "Take from the selection (S, or hold Alt)"], ["intersect", "Intersect", "Keep what both hold (I)"]];
export function render({ model }) {
  const modes = MODES.map(([value, label, title]) => [value, h("button", { title, onclick: () => model.send_msg({ mode: value }) }, icon(value), label)]);
  const show = () => { for (const [value, node] of modes) node.setAttribute("aria-pressed", String(model.mode === value)); };
  model.on("mode", show);
  show();
  return h("section", { class: "block ruled" }, h("h2", {}, "Next selection will"), h("div", { class: "seg tall", role: "group", "aria-label": "Next selection will" }, modes.map(([, node]) => node)));
}
