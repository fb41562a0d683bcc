// What is selected: how many, of which classes, a table of all of them, and the way out as a file.
const ROW = 26, AHEAD = 20;
// Browsers stop at some 33 million pixels: beyond, the scroll bar covers more rows than it has pixels.
const TALLEST = 15_000_000;

export function render({ model }) {
  const root = h("div", { class: "sheetpart" });
  let vt = null, space = null, head = null, asked = "", exporting = null, parts = [];
  const send = (type, rest = {}) => model.send_msg({ type, ...rest });

  const count = (c) => h("div", { class: "xle-selection-count", "aria-live": "polite" }, c.count_words);

  // -- table -------------------------------------------------------------------------------------------------------
  const height = () => Math.min(model.content.count * ROW, TALLEST);
  const firstVisible = () => {
    const room = vt.clientHeight - ROW, total = model.content.count, tall = height();
    if (total * ROW <= TALLEST) return Math.floor(vt.scrollTop / ROW);
    return Math.floor((vt.scrollTop / Math.max(1, tall - room)) * (total - room / ROW));
  };
  const topOf = (index) => model.content.count * ROW <= TALLEST ? index * ROW : vt.scrollTop + (index - firstVisible()) * ROW;
  const ask = () => {
    if (!vt || !vt.clientHeight) return;
    const first = Math.max(0, firstVisible() - AHEAD), want = Math.ceil(vt.clientHeight / ROW) + 2 * AHEAD;
    const key = `${model.content.version}:${first}:${want}`;
    const page = model.page, visible = firstVisible(), end = Math.min(model.content.count, visible + Math.ceil(vt.clientHeight / ROW));
    const has = page.version === model.content.version && page.start <= visible && page.start + page.rows.length >= end;
    if (key !== asked && !has) { asked = key; send("page", { start: first, size: want }); }
  };
  const rows = () => {
    if (!vt) return;
    const page = model.page;
    if (page.version !== model.content.version) return;
    space.style.height = `${height()}px`;
    swap(space, page.rows.map((row, i) => h("div", { class: "line", role: "row", tabindex: -1, "aria-current": row.row === model.content.picked, style: { top: `${topOf(page.start + i)}px` }, onclick: () => send("pick", { row: row.row }) },
      h("span", { class: "left", role: "cell" }, classChip(row.token, row.class_label), h("span", { title: row.full }, row.name)),
      h("span", { class: "left sub", role: "cell", title: row.class_label }, row.class_short), ...row.cells.map((cell) => h("span", { role: "cell" }, cell)))));
  };
  const heading = (c) => h("div", { class: "headrow", role: "row" }, ...c.columns.map((column) => h("button", {
    class: column.left ? "left" : "", title: column.title, role: "columnheader", "data-key": `sort-${column.key}`,
    "aria-sort": c.sort.key === column.key ? (c.sort.down ? "descending" : "ascending") : "none",
    onclick: () => send("sort", { key: column.key }) }, column.label, c.sort.key === column.key ? (c.sort.down ? " ↓" : " ↑") : "")));

  // -- export: pieces come one at a time, each asked for when the one before has arrived ----------------------------
  model.on("msg:custom", (raw) => {
    const message = raw?.data ?? raw;
    if (message.type !== "piece" || !exporting || message.id !== exporting.id) return;
    parts.push(message.text);
    exporting.done = message.done;
    if (message.last) {
      const link = h("a", { href: URL.createObjectURL(new Blob(parts, { type: "text/csv;charset=utf-8" })), download: message.name });
      parts = []; exporting = null;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } else send("next", { id: exporting.id });
    label();
  });
  const label = () => {
    const button = root.querySelector(".xle-export");
    if (!button) return;
    button.disabled = !!exporting || !model.content.count;
    button.lastChild.textContent = exporting ? `Exporting ${Math.round((100 * exporting.done) / Math.max(1, model.content.count))} %` : "Export CSV";
  };
  const start = () => { exporting = { id: Math.random().toString(36).slice(2), done: 0 }; parts = []; send("export", { id: exporting.id }); label(); };

  const tool = (name, title, type, off) => h("button", { class: "ghost", title, "aria-label": title, "data-key": type, disabled: off, onclick: () => send(type) }, icon(name));

  const update = () => {
    const c = model.content;
    const tools = h("div", { class: "toolbar" },
      h("button", { class: "btn xle-export", "data-key": "export", title: "All columns of all selected detections, with units and origin", disabled: !c.count, onclick: start }, icon("download"), h("span", {}, "Export CSV")),
      h("span", { class: "spacer" }), tool("undo", "Undo the last selection", "undo", !c.can_undo), tool("redo", "Redo", "redo", !c.can_redo),
      h("button", { class: "btn quiet", "data-key": "clear", disabled: c.state === "empty", onclick: () => send("clear") }, "Clear"));
    if (c.count < 1) {
      vt = null;
      swap(root, h("div", { class: "lead" }, count(c), h("p", {}, c.text)), c.can_undo || c.can_redo ? tools : null);
      return;
    }
    head = heading(c);
    space = h("div", { class: "space" });
    const scroll = vt && c.keep_scroll ? vt.scrollTop : 0;
    vt = h("div", { class: "vt", role: "table", "aria-rowcount": c.count }, head, space);
    vt.addEventListener("scroll", () => { if (c.count * ROW > TALLEST) rows(); ask(); }, { passive: true });
    swap(root, h("div", { class: "lead" }, count(c), h("p", {}, c.text)),
      h("div", { class: "makeup" }, ...c.makeup.map((line) => h("div", { class: "line" }, classChip(line.token, line.name), h("span", {}, line.name),
        h("span", { class: "bar" }, h("i", { style: { "--c": `var(${line.token})`, width: `${(line.share * 100).toFixed(2)}%` } })), h("span", { class: "n" }, h("b", {}, line.count), ` ${line.percent}`)))),
      tools, vt);
    space.style.height = `${height()}px`;
    if (scroll) vt.scrollTop = scroll;
    rows(); ask(); label();
  };
  model.on("content", update);
  model.on("page", rows);
  onSize(root, () => ask());
  model.on("after_render", update);
  return root;
}
