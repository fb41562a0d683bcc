// Chips of the active filters, and the card beside the rail in which they are made.
const LIVE_MS = 90;  // while a handle moves, the map hears of it this often
export function render({ model }) {
  const chips = h("div", { class: "chips" });
  const clear = h("button", { class: "link", title: "Remove every filter", onclick: () => model.send_msg({ do: "clear" }) }, "Clear");
  const add = h("button", { class: "fchip add", title: "Filter by counts, dates, hardness and more (F)", "aria-haspopup": "dialog", "aria-expanded": false, onclick: () => (card.hidden ? open(null, add) : close()) }, icon("plus"), "Add filter");
  const left = h("span", { class: "sub", role: "status" });
  const list = h("div", { class: "list" });
  const done = h("button", { class: "ghost", title: "Close (Esc)", "aria-label": "Close the filters", onclick: () => close() }, icon("close"));
  const card = h("div", { class: "float filtercard", role: "dialog", "aria-label": "Filters", hidden: true, onkeydown: (event) => {
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); }
  } }, h("header", {}, h("h3", {}, "Filters"), left, done), list);
  const root = h("section", { class: "block ruled filters" }, h("h2", {}, "Filters", clear), chips, card);
  const rows = new Map();
  let opener = add, wanted = null;
  const active = (key) => model.active.find((each) => each.key === key);

  // -- the card -------------------------------------------------------------------------------------------------------
  const place = () => {
    const rail = root.getBoundingClientRect(), pad = 12;
    card.style.left = `${Math.round(rail.right + pad + 12)}px`;
  };
  const open = (key, from) => {
    opener = from; wanted = key;
    card.hidden = false;
    add.setAttribute("aria-expanded", "true");
    place();
    model.send_msg({ do: "open" });
    if (rows.size) land();
  };
  const close = () => {
    if (card.hidden) return;
    card.hidden = true;
    add.setAttribute("aria-expanded", "false");
    model.send_msg({ do: "close" });
    (opener?.isConnected ? opener : add).focus();
  };
  const land = () => {  // the keyboard goes where the card was opened for
    const row = rows.get(wanted ?? "text");
    row.expand?.(true);
    row.focus();
    row.node.scrollIntoView({ block: "nearest" });
    wanted = null;
  };
  const textRow = () => {
    let timer = 0;
    const tell = () => { clearTimeout(timer); model.send_msg({ do: "text", key: "text", text: field.value }); };
    const field = h("input", { type: "text", maxlength: 80, placeholder: "Name, OBS_ID or SIMBAD type contains …", "aria-label": "Name, OBS_ID or SIMBAD type contains", autocomplete: "off", spellcheck: "false",
      oninput: () => { clearTimeout(timer); timer = setTimeout(tell, 350); }, onchange: tell });
    const node = h("label", { class: "find" }, icon("search"), field);
    return { node, focus: () => field.focus(), show: () => { if (field.getRootNode().activeElement !== field) field.value = active("text")?.text ?? ""; } };
  };
  const rangeRow = (spec) => {
    const scale = scaleOf(spec), small = bars(spec, scale);
    let due = 0, last = 0;
    const send = (range) => { last = performance.now(); due = 0; model.send_msg({ do: "range", key: spec.key, low: range.low, high: range.high }); };
    const large = brush(spec, scale, (range, final) => {
      fields.low.value = range.low === null ? "" : scale.words(range.low);
      fields.high.value = range.high === null ? "" : scale.words(range.high);
      clearTimeout(due);
      const wait = final ? 0 : LIVE_MS - (performance.now() - last);
      if (wait <= 0) send(range); else due = setTimeout(() => send(range), wait);
    });
    const field = (end, what, otherwise) => h("input", { type: "text", class: "limit", placeholder: otherwise, "aria-label": `${spec.label}: ${what}`, autocomplete: "off", spellcheck: "false", onchange: typed });
    const typed = () => model.send_msg({ do: "typed", key: spec.key, low: fields.low.value, high: fields.high.value });
    const fields = { low: field("low", "from", "lowest"), high: field("high", "to", "highest") };
    const fault = h("p", { class: "fault", role: "alert", hidden: true });
    const off = h("button", { class: "link", title: `Remove the filter of ${spec.label}`, onclick: () => { model.send_msg({ do: "remove", key: spec.key }); head.focus(); } }, "Clear");
    const head = h("button", { class: "rowhead", title: spec.meaning, "aria-expanded": false, onclick: () => expand(body.hidden) }, h("span", { class: "label" }, spec.label), h("span", { class: "mini" }, small.node), icon("down"));
    const body = h("div", { class: "body", hidden: true }, large.node,
      h("div", { class: "limits" }, fields.low, h("span", {}, "to"), fields.high, h("span", { class: "unit" }, spec.unit), h("span", { class: "spacer" }), off),
      fault, spec.absent ? h("p", { class: "note" }, `${spec.absent}, and pass no filter of it`) : null);
    const node = h("div", { class: "range", "data-key": spec.key }, head, body);
    const expand = (wide) => { body.hidden = !wide; head.setAttribute("aria-expanded", String(wide)); node.classList.toggle("wide", wide); if (wide) large.draw(); };
    return { node, expand, focus: () => head.focus(), show: () => {
      const counts = model.counts.ranges?.[spec.key], filter = active(spec.key), wrong = model.complaint.key === spec.key;
      small.show(counts, filter && !large.busy() ? filter : filter ?? null);
      large.show(counts, filter);
      off.hidden = !filter;
      node.classList.toggle("on", !!filter);
      fault.hidden = !wrong;
      fault.textContent = wrong ? model.complaint.text : "";
      const focused = node.getRootNode().activeElement;
      if (!large.busy() && !wrong) for (const end of ["low", "high"]) if (fields[end] !== focused) fields[end].value = filter?.[`${end}_text`] ?? "";
    } };
  };
  const valuesRow = (spec) => {
    const toggles = spec.values.map((value, i) => {
      const count = h("span", { class: "n" });
      const node = h("button", { class: "pick", onclick: () => {
        const now = new Set(active(spec.key)?.values ?? []);
        if (!now.delete(value)) now.add(value);
        const chosen = spec.values.filter((each) => now.has(each));
        model.send_msg({ do: "values", key: spec.key, values: chosen.length === spec.values.length ? [] : chosen });
      } }, value, count);
      return { value, node, show: () => { count.textContent = thousands(model.counts.values?.[spec.key]?.[i] ?? 0); } };
    });
    const node = h("div", { class: "values", "data-key": spec.key, role: "group", "aria-label": spec.label }, h("span", { class: "label", title: spec.meaning }, spec.label), h("div", { class: "picks" }, toggles.map((each) => each.node)));
    return { node, focus: () => toggles[0].node.focus(), show: () => {
      const chosen = active(spec.key)?.values;
      node.classList.toggle("on", !!chosen);
      for (const toggle of toggles) { toggle.node.setAttribute("aria-pressed", String(chosen?.includes(toggle.value) ?? false)); toggle.show(); }
    } };
  };
  const build = () => {
    if (rows.size || !model.card.ranges) return;
    rows.set("text", textRow());
    for (const spec of model.card.values) rows.set(spec.key, valuesRow(spec));
    for (const spec of model.card.ranges) rows.set(spec.key, rangeRow(spec));
    list.append(...[...rows.values()].map((row) => row.node));
  };

  // -- showing --------------------------------------------------------------------------------------------------------
  const showCard = () => {
    const first = rows.size === 0;
    build();
    for (const row of rows.values()) row.show();
    left.textContent = model.counts.left === undefined ? "Counting …" : `${thousands(model.counts.left)} of ${thousands(model.card.n ?? 0)} pass`;
    if (first && rows.size && !card.hidden) land();
  };
  const showChips = () => {
    const focused = chips.getRootNode().activeElement, at = focused?.dataset?.key;
    chips.replaceChildren(...model.active.map((each) => h("span", { class: "fchip", "data-key": each.key },
      h("button", { class: "words", title: "Change this filter", onclick: (event) => open(each.key, event.currentTarget) }, each.words),
      h("button", { class: "x", "data-key": each.key, title: `Remove: ${each.words}`, "aria-label": `Remove the filter ${each.words}`, onclick: () => model.send_msg({ do: "remove", key: each.key }) }, icon("close")))), add);
    if (at && !chips.querySelector(`button[data-key="${at}"]`)) (chips.querySelector("button.x") ?? add).focus();
    else if (at) chips.querySelector(`button[data-key="${at}"]`).focus();
    clear.disabled = model.active.length === 0;
    clear.title = clear.disabled ? "No filter to remove" : "Remove every filter";
  };
  const asked = () => open(null, add);
  window.addEventListener("xle-filter", asked);
  window.addEventListener("resize", place);
  model.on("active", () => { showChips(); showCard(); });
  model.on(["card", "counts", "complaint"], showCard);
  model.on("remove", () => { window.removeEventListener("xle-filter", asked); window.removeEventListener("resize", place); });
  showChips();
  return root;
}
