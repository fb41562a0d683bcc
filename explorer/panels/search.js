// The search field: a combobox whose list the server fills. Arrows choose, Enter goes there, Esc closes, then clears.
const HINTS = [
  ["Name", "J1927, any part of it, or SIMBAD's name"],
  ["Identifier", "DETID, SRCID or OBS_ID"],
  ["Position", "19 27 19.5 +65 33 54 · 291.83 65.57 · J1927+6533 · l=97.2 b=20.5"],
  ["with a radius", "r=30″ · r=2′ · r=0.5d"],
];
const PATIENCE_MS = 150;
export function render({ model }) {
  const input = h("input", { type: "text", role: "combobox", placeholder: "Name, DETID, OBS_ID or coordinates", "aria-label": "Search by name, DETID, OBS_ID or coordinates",
    "aria-expanded": false, "aria-controls": "found", "aria-autocomplete": "list", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: 200 });
  const key = h("kbd", { title: "Press / to search" }, "/");
  const clear = h("button", { class: "clear", title: "Clear (Esc)", "aria-label": "Clear the search", tabindex: -1, hidden: true }, icon("close"));
  const said = h("div", { class: "said", role: "status" });
  const list = h("ul", { id: "found", role: "listbox", "aria-label": "Suggestions" });
  const panel = h("div", { class: "float found", hidden: true }, said, list);
  const root = h("div", { class: "search", role: "search" }, icon("search"), input, clear, key, panel);

  let number = 0, options = [], at = -1, eager = false, waiting = null;
  const open = () => !panel.hidden;
  const show = (visible) => {
    panel.hidden = !visible;
    input.setAttribute("aria-expanded", String(visible && options.length > 0));
    if (!visible) choose(-1);
  };
  const choose = (index) => {
    at = index;
    options.forEach(({ node }, place) => node.setAttribute("aria-selected", String(place === at)));
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else { input.setAttribute("aria-activedescendant", options[at].node.id); options[at].node.scrollIntoView({ block: "nearest" }); }
  };
  const ask = () => {
    const text = input.value;
    clear.hidden = text === "";
    key.hidden = text !== "";
    clearTimeout(waiting);
    number += 1;
    eager = false;
    if (text.trim() === "") return help();
    model.send_msg({ number, text });
    waiting = setTimeout(() => say(["Searching…"], true), PATIENCE_MS);
  };
  const say = (lines, quiet = false) => {
    said.replaceChildren(...lines.map((line) => h("p", {}, line)));
    said.hidden = lines.length === 0;
    said.classList.toggle("quiet", quiet);
    show(true);
  };
  const help = () => {
    options = [];
    list.hidden = true;
    said.hidden = false;
    said.className = "said";
    said.replaceChildren(h("dl", {}, HINTS.flatMap(([what, how]) => [h("dt", {}, what), h("dd", {}, how)])));
    show(true);
  };
  const leave = () => { number += 1; clearTimeout(waiting); show(false); input.blur(); };
  const act = (option) => {
    if (option.fill !== undefined) { input.value = option.fill; input.focus(); return ask(); }
    if (option.do === "sesame") { number += 1; return model.send_msg({ number, sesame: input.value.trim() }); }
    model.send_msg(option.do === "select" ? { select: true } : { row: option.row });
    leave();
  };
  const marked = ({ title, marks }) => (marks?.length ? [title.slice(0, marks[0]), h("mark", {}, title.slice(...marks)), title.slice(marks[1])] : [title]);
  const row = (item) => (item.fill !== undefined
    ? [h("i", { class: "chip none" }), h("span", { class: "name" }, marked(item)), h("span", { class: "what" }, item.matched)]
    : [h("i", { class: "chip", title: item.label, style: { "--c": `var(${item.token})` } }),
      h("span", { class: "name" }, marked(item)), h("span", { class: "what" }, item.matched),
      h("span", { class: "more" }, item.observation ? item.detail : `${item.label} · ${item.detail}`), h("span", { class: "off" }, item.hidden)]);
  const option = (content, of, extra) => {
    const node = h("li", { role: "option", id: `hit-${options.length}`, class: extra, "aria-selected": false }, content);
    const entry = { ...of, node }, place = options.length;
    node.addEventListener("click", () => act(entry));
    node.addEventListener("pointermove", () => { if (at !== place) choose(place); });
    options.push(entry);
    list.append(node);
  };
  const fill = () => {
    const answer = model.answer;
    if (answer.number !== number) return;
    clearTimeout(waiting);
    options = [];
    list.replaceChildren();
    for (const item of answer.items ?? []) option(row(item), item, item.observation ? "hit observation" : "hit");
    for (const action of answer.actions ?? []) option([icon(action.do === "select" ? "lasso" : "search"), h("span", { class: "name" }, action.words), h("span", { class: "what" }, action.note)], action, "action");
    list.hidden = options.length === 0;
    said.classList.toggle("failed", Boolean(answer.failed));
    say(answer.said ?? [], Boolean(answer.wait));
    choose(options.length && options[0].do === undefined && !options[0].far ? 0 : -1);  // what nobody asked for is not one Enter away
    if (answer.wait) return;
    if (eager && at >= 0) act(options[at]);
    eager = false;
  };
  input.addEventListener("input", ask);
  input.addEventListener("focus", () => { input.select(); ask(); });
  input.addEventListener("blur", () => { show(false); number += 1; clearTimeout(waiting); });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      if (!open()) return ask();
      if (options.length) choose(at < 0 ? (step > 0 ? 0 : options.length - 1) : (at + step + options.length) % options.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open() && model.answer.number === number) { if (at >= 0) act(options[at]); } else if (input.value.trim() !== "") { if (!open() && model.answer.number === number) ask(); eager = true; }
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (open()) { number += 1; clearTimeout(waiting); show(false); } else if (input.value !== "") { input.value = ""; ask(); } else input.blur();
    }
  });
  for (const part of [clear, panel]) part.addEventListener("pointerdown", (event) => event.preventDefault());  // the field keeps the focus
  clear.addEventListener("click", () => { input.value = ""; ask(); input.focus(); });
  const focus = () => { input.focus(); input.select(); };
  model.on("answer", fill);
  window.addEventListener("xle-search", focus);
  model.on("remove", () => window.removeEventListener("xle-search", focus));
  return root;
}
