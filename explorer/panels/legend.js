// Class legend. A click on a row toggles the class, a double click or Solo isolates it.
export function render({ model }) {
  const list = h("ul", { class: "legend" });
  const rows = model.rows.map(({ name, token, count, gap }) => {
    const mark = h("span", { class: "mark" });
    const toggle = h("button", { class: "toggle", "aria-pressed": true, onclick: () => model.send_msg({ toggle: name }), ondblclick: () => model.send_msg({ solo: name }) },
      h("i", { class: "chip" }), h("span", { class: "label" }, name), h("span", { class: "n" }, thousands(count)), mark);
    const solo = h("button", { class: "solo", title: `Show ${name} only; again for all`, onclick: () => model.send_msg({ solo: name }) }, "Solo");
    const item = h("li", { class: `${gap ? "gap " : ""}${count ? "" : "none"}`, "data-class": name, style: { "--c": `var(--c-${token})` } }, toggle, solo);
    list.append(item);
    return { name, count, item, toggle, mark };
  });
  const all = h("button", { class: "link", onclick: () => model.send_msg({ all: true }) }, "Show all");
  const show = () => {
    const hidden = new Set(model.hidden);
    for (const { name, count, item, toggle, mark } of rows) {
      const off = hidden.has(name);
      item.classList.toggle("off", off);
      toggle.setAttribute("aria-pressed", String(!off));
      toggle.title = `${off ? "Show" : "Hide"} ${name}: ${thousands(count)} detections. Double click: only these`;
      mark.replaceChildren(icon(off ? "eye-off" : "eye"));
    }
    all.disabled = hidden.size === 0;
    all.title = hidden.size === 0 ? "Every class is shown" : "Show every class";
  };
  model.on("hidden", show);
  show();
  return h("section", { class: "block" }, h("h2", {}, "Class", all), list);
}
