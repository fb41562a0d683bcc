// What is selected: how many, of which classes, how they are spread, a table of all of them, and the way out as a file.
const ROW = 26, AHEAD = 20;
// Browsers stop at some 33 million pixels: beyond, the scroll bar covers more rows than it has pixels.
const TALLEST = 15_000_000;

export function render({ model }) {
  const root = h("div", { class: "sheetpart" });
  let vt = null, space = null, head = null, asked = "", exporting = null, parts = [];
  const send = (type, rest = {}) => model.send_msg({ type, ...rest });

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
    swap(space, page.rows.map((row, i) => h("div", { class: "line", role: "row", tabindex: 0, "data-key": `row-${row.row}`, "aria-current": row.row === model.content.picked, style: { top: `${topOf(page.start + i)}px` }, onclick: () => send("pick", { row: row.row }) },
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
    button.lastChild.textContent = exporting ? `Exporting ${Math.round((100 * exporting.done) / exporting.total)} %` : "Export CSV";
  };
  const start = () => { exporting = { id: Math.random().toString(36).slice(2), done: 0, total: model.content.count }; parts = []; send("export", { id: exporting.id }); label(); };

  const tool = (name, title, type, off) => h("button", { class: "ghost", title, "aria-label": title, "data-key": type, disabled: off, onclick: () => send(type) }, icon(name));

  // -- histograms: grey for all, ink for the selected, each as high as its own peak -----------------------------------
  const steps = (counts, closed) => {
    const top = Math.max(1, ...counts), n = counts.length;
    const line = counts.map((value, i) => `${i ? "L" : "M"}${i} ${(1 - value / top).toFixed(3)}H${i + 1}`).join("");
    return closed ? `${line}V1H0Z` : `M0 1V${(1 - counts[0] / top).toFixed(3)}${line.slice(line.indexOf("H"))}V1`;
  };
  const merged = (counts, by) => Array.from({ length: Math.ceil(counts.length / by) }, (_, i) => counts.slice(i * by, (i + 1) * by).reduce((a, b) => a + b, 0));
  const plots = h("div", { class: "plots", role: "group", "aria-label": "Histograms of the selected against all" });
  const save = saveButton(model, "selection", "Save classes and histograms as a figure");
  let wanted = -1;
  const draw = () => {
    const c = model.content;
    plots.classList.toggle("old", model.plots.version !== c.plotted);
    if (model.plots.version !== c.plotted) {  // the number is on screen before these are worked out
      if (wanted !== c.plotted && plots.clientWidth) { wanted = c.plotted; requestAnimationFrame(() => setTimeout(() => send("plots"))); }
      return;
    }
    const by = plots.clientWidth && getComputedStyle(plots).gridTemplateColumns.split(" ").length > 2 ? 4 : 2;
    plots.replaceChildren(...model.plots.histograms.map((plot) => {
      const every = merged(plot.all, by), those = merged(plot.selected, by);
      return h("div", { class: "plot", title: plot.title, "data-histogram": plot.key }, h("div", {}, h("span", {}, plot.label), h("em", {}, plot.median)),
        s("svg", { viewBox: `0 0 ${every.length} 1`, preserveAspectRatio: "none", role: "img", "aria-label": plot.title },
          s("path", { class: "every", d: steps(every, true) }), s("path", { class: "those", d: steps(those, true) }), s("path", { class: "edge", d: steps(those, false) })));
    }));
  };

  const ways = selectionWays(model, send);
  heldModes(model, send);
  const counted = h("div", { class: "xle-selection-count", "aria-live": "polite" }), share = h("p"), made = h("p", { class: "made" });
  const ends = h("div", { class: "top" }), lead = h("div", { class: "lead" }, ends, share, made);
  const rest = h("div", { style: { display: "contents" } });
  root.append(lead, ways.block, rest);

  const update = () => {
    const c = model.content, nothing = c.state === "empty";
    counted.textContent = c.count_words;
    share.textContent = c.text;
    made.textContent = made.title = c.made;
    made.hidden = !c.made;
    if (c.made) made.title = `How it was made: ${c.made}`;
    swap(ends, counted, h("span", { class: "spacer" }), tool("undo", "Undo the last selection (Ctrl Z)", "undo", !c.can_undo), tool("redo", "Redo (Ctrl Shift Z)", "redo", !c.can_redo),
      h("button", { class: "link", "data-key": "clear", title: nothing ? "Nothing is selected" : "Select nothing (Esc)", disabled: nothing, onclick: () => send("clear") }, "Clear"));
    if (c.count < 1) { vt = null; swap(rest); return; }
    head = heading(c);
    space = h("div", { class: "space" });
    const scroll = vt && c.keep_scroll ? vt.scrollTop : 0;
    vt = h("div", { class: "vt", role: "table", "aria-label": "Selected detections", "aria-rowcount": c.count }, head, space);
    vt.addEventListener("scroll", () => { if (c.count * ROW > TALLEST) rows(); ask(); }, { passive: true });
    vt.addEventListener("keydown", walk);
    swap(rest,
      h("div", { class: "makeup" }, ...c.makeup.map((line) => h("div", { class: "line" }, classChip(line.token, line.name), h("span", {}, line.name),
        h("span", { class: "bar" }, h("i", { style: { "--c": `var(${line.token})`, width: `${(line.share * 100).toFixed(2)}%` } })), h("span", { class: "n" }, h("b", {}, line.count), ` ${line.percent}`)))),
      plots,
      h("div", { class: "toolbar" },
        h("button", { class: "btn xle-export", "data-key": "export", title: "All columns of all selected detections, with units and origin", disabled: !c.count, onclick: start }, icon("download"), h("span", {}, "Export CSV")),
        h("span", { class: "spacer" }), save),
      vt);
    space.style.height = `${height()}px`;
    if (scroll) vt.scrollTop = scroll;
    draw(); rows(); ask(); label();
  };
  // Arrows walk the lines, Enter picks.
  const walk = (event) => {
    const here = event.target.closest(".line");
    if (!here) return;
    const to = event.key === "ArrowDown" ? here.nextElementSibling : event.key === "ArrowUp" ? here.previousElementSibling : null;
    if (to) { to.focus({ preventScroll: true }); to.scrollIntoView({ block: "nearest" }); }
    else if (event.key === "Enter" || event.key === " ") here.click();
    else return;
    event.preventDefault(); event.stopPropagation();
  };
  model.on("content", update);
  model.on("plots", draw);
  model.on("page", rows);
  onSize(root, () => { ask(); draw(); });
  model.on("after_render", () => { ways.show(); update(); });
  return root;
}
