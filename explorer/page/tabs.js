// Tab strip of the inspector. All panels stay laid out; the page shows the one that <html data-tab> names.
const LABELS = { spectrum: "Spectrum", trajectory: "Trajectory", similar: "Similar", selection: "Selection" };
export function render({ model }) {
  const strip = h("div", { class: "tabs", role: "tablist", "aria-label": "Inspector" });
  const tabs = Object.entries(LABELS).map(([name, label]) => {
    const count = h("span", { class: "c" });
    const tab = h("button", { role: "tab", "data-tab": name, "aria-controls": `panel-${name}`, onclick: () => go(name) }, label, count);
    strip.append(tab);
    return { name, tab, count };
  });
  let current = model.tab;
  const show = () => {
    document.documentElement.dataset.tab = current;
    for (const { name, tab, count } of tabs) {
      const active = name === current;
      tab.setAttribute("aria-selected", String(active));
      tab.tabIndex = active ? 0 : -1;
      const number = { trajectory: model.observations, selection: model.selected }[name] ?? -1;
      count.hidden = number < (name === "trajectory" ? 2 : 0);
      count.textContent = number < 0 ? "" : thousands(number);
    }
  };
  let sent = 0;  // the page shows a tab at once and the server follows: only its answer to the last message counts
  const go = (name) => {
    if (name === current) return;
    current = name;
    sent += 1;
    show();
    model.send_msg({ tab: name });
  };
  strip.addEventListener("keydown", (event) => {
    const names = tabs.map(({ name }) => name), at = names.indexOf(current);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    go(names[(next + names.length) % names.length]);
    tabs.find(({ name }) => name === current).tab.focus();
  });
  model.on("tab", () => {
    sent = Math.max(0, sent - 1);
    if (sent === 0) { current = model.tab; show(); }
  });
  model.on(["observations", "selected"], show);
  show();
  return strip;
}
