// Class legend. A click on a row toggles the class, a double click or Solo isolates it, with Ctrl, Shift or Alt it selects. Counts are those in view.
export function render({ model }) {
  const list = h("ul", { class: "legend", "aria-label": "Classes" });
  const places = model.rows.map((_, i) => i);
  const rows = places.map((i) => {
    const { name, token, count, gap } = model.rows[i];
    const mark = h("span", { class: "mark" }), number = h("span", { class: "n" });
    const toggle = h("button", { class: "toggle", "aria-pressed": true, onclick: (event) => press(event, name), ondblclick: () => model.send_msg({ solo: name }), onkeydown: (event) => walk(event, i) },
      h("i", { class: "chip" }), h("span", { class: "label" }, name), number, mark);
    const solo = h("button", { class: "solo", title: `Show ${name} only; again for all`, "aria-label": `Solo ${name}`, onclick: () => model.send_msg({ solo: name }) }, "Solo");
    const item = h("li", { class: gap ? "gap" : "", "data-class": name, style: { "--c": `var(--c-${token})` } }, toggle, solo);
    list.append(item);
    return { name, count, item, toggle, mark, number };
  });
  const press = (event, name) => {
    const held = event.shiftKey ? "add" : event.altKey ? "subtract" : "";
    model.send_msg(held || event.ctrlKey || event.metaKey ? { select: name, mode: held } : { toggle: name });
  };
  const walk = (event, i) => {  // up and down the rows; Tab goes on to Solo
    const to = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    rows[to]?.toggle.focus();
  };
  const where = h("span", { class: "where" });
  const invert = h("button", { class: "link", title: "Show the hidden classes and hide the shown ones", onclick: () => model.send_msg({ invert: true }) }, "Invert");
  const all = h("button", { class: "link", onclick: () => model.send_msg({ all: true }) }, "Show all");
  const show = () => {
    const hidden = new Set(model.hidden);
    rows.forEach(({ name, count, item, toggle, mark, number }, i) => {
      const off = hidden.has(name), inView = model.in_view[i] ?? 0, passing = model.passing[i] ?? 0;
      item.classList.toggle("off", off);
      item.classList.toggle("none", inView === 0);
      toggle.setAttribute("aria-pressed", String(!off));
      const of = model.filtered ? `${thousands(passing)} that pass the filters, ${thousands(count)} in all` : thousands(count);
      toggle.title = `${off ? "Show" : "Hide"} ${name}: ${thousands(inView)} in view of ${of}. Double click: only these. Ctrl click: select; Shift adds, Alt takes away`;
      number.textContent = thousands(inView);
      if (mark.dataset.off !== String(off)) { mark.replaceChildren(icon(off ? "eye-off" : "eye")); mark.dataset.off = String(off); }
    });
    list.classList.toggle("plain", !model.coloured);
    where.textContent = model.in_view.some((count, i) => count !== model.passing[i]) ? "in view" : "";
    all.disabled = invert.disabled = hidden.size === 0;
    all.title = hidden.size === 0 ? "Every class is shown" : "Show every class";
    invert.title = hidden.size === 0 ? "Hide a class first: inverting would hide all" : "Show the hidden classes and hide the shown ones";
  };
  model.on(["hidden", "in_view", "passing", "filtered", "coloured"], show);
  show();
  return h("section", { class: "block" }, h("h2", {}, "Class", where, h("span", { class: "links" }, invert, all)), list);
}
