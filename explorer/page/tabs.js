// Tab strip of the inspector. All panels stay laid out; the page shows the one that <html data-tab> names.
const LABELS = { spectrum: "Spectrum", trajectory: "Trajectory", similar: "Similar", selection: "Selection" };
export function render({ model }) {
  const strip = h("div", { class: "tabs", role: "tablist", "aria-label": "Inspector" });
  const tabs = Object.entries(LABELS).map(([name, label]) => {
    const count = h("span", { class: "c" });
    const tab = h("button", { role: "tab", "data-tab": name, "aria-controls": `panel-${name}`, onclick: () => { model.tab = name; } }, label, count);
    strip.append(tab);
    return { name, tab, count };
  });
  const show = () => {
    document.documentElement.dataset.tab = model.tab;
    for (const { name, tab, count } of tabs) {
      const active = name === model.tab;
      tab.setAttribute("aria-selected", String(active));
      tab.tabIndex = active ? 0 : -1;
      const number = { trajectory: model.observations, selection: model.selected }[name] ?? -1;
      count.hidden = number < (name === "trajectory" ? 2 : 0);
      count.textContent = number < 0 ? "" : thousands(number);
    }
  };
  strip.addEventListener("keydown", (event) => {
    const names = tabs.map(({ name }) => name), at = names.indexOf(model.tab);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    model.tab = names[(next + names.length) % names.length];
    tabs.find(({ name }) => name === model.tab).tab.focus();
  });
  model.on(["tab", "observations", "selected"], show);
  show();
  return strip;
}
