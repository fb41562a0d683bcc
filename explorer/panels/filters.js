// Chips of the active filters, and the card beside the rail in which they are made.
const LIVE_MS = 90;  // while a handle moves, the map hears of it this often
const PATIENCE_MS = 3000;  // for the server to answer a drag; then what it says counts
export function render({ model }) {
  const clear = h("button", { class: "link", title: "Remove every filter", onclick: () => model.send_msg({ do: "clear" }) }, "Clear");
  const add = h("button", { class: "fchip add", title: "Filter by counts, dates, hardness and more (F)", "aria-haspopup": "dialog", "aria-expanded": false, onclick: () => (card.hidden ? open(null, add) : close()) }, icon("plus"), "Add filter");
  const chips = h("div", { class: "chips" }, add);
  const left = h("span", { class: "sub", role: "status" });
  const list = h("div", { class: "list" });
  const done = h("button", { class: "ghost", title: "Close (Esc)", "aria-label": "Close the filters", onclick: () => close() }, icon("close"));
  const card = h("div", { class: "float filtercard", role: "dialog", "aria-label": "Filters", hidden: true }, h("header", {}, h("h3", {}, "Filters"), left, done), list);
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
    ask();
    if (rows.size) land();
  };
  const ask = () => {  // again where nothing came: a page just opened may not be heard yet
    if (card.hidden) return;
    model.send_msg({ do: "open" });
    if (!rows.size) setTimeout(ask, PATIENCE_MS);
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
    let timer = 0, told = "";
    const tell = () => {
      clearTimeout(timer);
      if (field.value !== told) model.send_msg({ do: "text", key: "text", text: told = field.value });
    };
    const field = h("input", { type: "text", maxlength: 80, placeholder: "Name, OBS_ID or SIMBAD type contains …", "aria-label": "Name, OBS_ID or SIMBAD type contains", autocomplete: "off", spellcheck: "false",
      oninput: () => { clearTimeout(timer); timer = setTimeout(tell, 350); }, onchange: tell });
    const node = h("label", { class: "find" }, icon("search"), field);
    return { node, focus: () => field.focus(), show: () => { if (field.getRootNode().activeElement !== field) field.value = told = active("text")?.text ?? ""; } };
  };
  const rangeRow = (spec) => {
    const scale = scaleOf(spec), small = bars(spec, scale);
    let due = 0, last = 0, sent = null;
    const send = (range) => { last = performance.now(); sent = { ...range }; model.send_msg({ do: "range", key: spec.key, low: range.low, high: range.high }); };
    const same = (a, b) => (a == null || b == null ? a == b : spec.kind === "date" ? Math.floor(a) === Math.floor(b) : a === b);
    /** Whether the server has caught up with the hand: what it says of earlier moves must not pull the handle back. */
    const settled = (filter) => {
      if (sent && ((same(filter?.low, sent.low) && same(filter?.high, sent.high)) || performance.now() - last > PATIENCE_MS)) sent = null;
      return !sent;
    };
    const large = brush(spec, scale, (range, final) => {
      fields.low.value = range.low === null ? "" : scale.words(range.low);
      fields.high.value = range.high === null ? "" : scale.words(range.high);
      clearTimeout(due);
      const wait = final ? 0 : LIVE_MS - (performance.now() - last);
      if (wait <= 0) send(range); else due = setTimeout(() => send(range), wait);
    });
    const field = (end, what, otherwise) => h("input", { type: "text", class: "limit", placeholder: otherwise, "aria-label": `${spec.label}: ${what}`, autocomplete: "off", spellcheck: "false", onchange: typed });
    let typing = null;  // what the filter said when limits were typed: until it says something else they stay as typed
    const typed = () => { typing = { words: active(spec.key)?.words, at: performance.now() }; model.send_msg({ do: "typed", key: spec.key, low: fields.low.value, high: fields.high.value }); };
    const fields = { low: field("low", "from", "lowest"), high: field("high", "to", "highest") };
    const fault = h("p", { class: "fault", role: "alert", hidden: true });
    const off = h("button", { class: "link", title: `Remove the filter of ${spec.label}`, onclick: () => { model.send_msg({ do: "remove", key: spec.key }); head.focus(); } }, "Clear");
    const head = h("button", { class: "rowhead", title: spec.meaning, "aria-expanded": false, onclick: () => expand(body.hidden) }, h("span", { class: "label" }, spec.label), h("span", { class: "mini" }, small.node), icon("down"));
    const body = h("div", { class: "body", hidden: true }, large.node,
      h("div", { class: "limits" }, fields.low, h("span", {}, "to"), fields.high, h("span", { class: "unit" }, spec.unit), h("span", { class: "spacer" }), off),
      fault, spec.absent ? h("p", { class: "note" }, `${spec.absent}, and pass no filter of it`) : null);
    const node = h("div", { class: "range", "data-key": spec.key }, head, body);
    const expand = (wide) => { body.hidden = !wide; head.setAttribute("aria-expanded", String(wide)); node.classList.toggle("wide", wide); if (wide) { large.draw(); node.scrollIntoView({ block: "nearest" }); } };
    return { node, expand, focus: () => head.focus(), show: () => {
      const counts = model.counts.ranges?.[spec.key], filter = active(spec.key), wrong = model.complaint.key === spec.key;
      const caught = settled(filter) && !large.busy();
      small.show(counts, filter ?? null);
      large.show(counts, caught ? filter ?? {} : null);
      off.hidden = !filter;
      node.classList.toggle("on", !!filter);
      fault.hidden = !wrong;
      fault.textContent = wrong ? model.complaint.text : "";
      const focused = node.getRootNode().activeElement;
      if (typing && (wrong || filter?.words !== typing.words || performance.now() - typing.at > PATIENCE_MS)) typing = null;
      if (caught && !wrong && !typing) for (const end of ["low", "high"]) if (fields[end] !== focused) fields[end].value = filter?.[`${end}_text`] ?? "";
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
      } }, spec.words[i], count);
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
  const kept = new Map();  // chips by key: one that stays is the same element, so that no press on it is lost
  const chipOf = (key) => {
    const words = h("button", { class: "words", title: "Change this filter", onclick: () => open(key, words) });
    const x = h("button", { class: "x", onclick: () => model.send_msg({ do: "remove", key }) }, icon("close"));
    return { node: h("span", { class: "fchip", "data-key": key }, words, x), words, x };
  };
  const showChips = () => {
    const gone = new Set(kept.keys()), focused = chips.getRootNode().activeElement;
    model.active.forEach((each, i) => {
      gone.delete(each.key);
      if (!kept.has(each.key)) kept.set(each.key, chipOf(each.key));
      const { node, words, x } = kept.get(each.key);
      if (words.textContent !== each.words) {
        words.textContent = each.words;
        x.title = `Remove: ${each.words}`;
        x.setAttribute("aria-label", `Remove the filter ${each.words}`);
      }
      if (chips.children[i] !== node) chips.insertBefore(node, chips.children[i] ?? null);
    });
    for (const key of gone) {
      const { node } = kept.get(key);
      if (node.contains(focused)) (node.nextElementSibling.querySelector?.("button.x") ?? add).focus();
      node.remove();
      kept.delete(key);
    }
    clear.disabled = model.active.length === 0;
    clear.title = clear.disabled ? "No filter to remove" : "Remove every filter";
  };
  const asked = () => open(null, add);
  const escape = (event) => {  // before the page's own Escape, from anywhere but what closes itself
    const path = event.composedPath();
    if (event.key !== "Escape" || card.hidden) return;
    if (!path.includes(card) && path.some((node) => node.matches?.("input, textarea, [role=dialog], [role=menu], [role=listbox]"))) return;
    event.preventDefault();
    close();
  };
  window.addEventListener("keydown", escape, true);
  window.addEventListener("xle-filter", asked);
  window.addEventListener("resize", place);
  model.on("active", () => { showChips(); showCard(); });
  model.on(["card", "counts", "complaint"], showCard);
  model.on("remove", () => { window.removeEventListener("keydown", escape, true); window.removeEventListener("xle-filter", asked); window.removeEventListener("resize", place); });
  showChips();
  return root;
}
