// Ways to select but by hand on the map: a query, a disc around what is picked, a class, a name it was saved under.
const MODE_WORDS = { replace: "Select", add: "Add", subtract: "Subtract", intersect: "Intersect" };
const MODE_TITLES = { replace: "Replace the selection (R)", add: "Add to the selection (A)", subtract: "Take from the selection (S)", intersect: "Keep what both hold (I)" };

/** The block of ways, with `show()` to bring it up to date. Its fields keep what was typed. */
function selectionWays(model, send) {
  let way = "query";
  const keep = (event) => event.stopPropagation();  // letters typed here are no shortcuts
  const entry = (input, short, ...more) => h("label", { class: short ? "entry short" : "entry" }, input, more);
  const field = (attributes) => h("input", { autocomplete: "off", spellcheck: "false", ...attributes });
  const gos = [];
  const go = () => { const button = h("button", { type: "submit", class: "btn quiet go" }); gos.push(button); return button; };
  const form = (onsubmit, ...children) => h("form", { onsubmit: (event) => { event.preventDefault(); onsubmit(); } }, ...children);
  const dropdown = (label, wide) => { const node = h("select", { "aria-label": label }); return [node, h("div", { class: wide ? "select wide" : "select" }, node, icon("down"))]; };

  // query
  const query = field({ type: "text", maxlength: 500, "aria-label": "Query over the columns", placeholder: "net_counts > 300 and hr2 < 0", "data-key": "query" });
  const names = h("div", { class: "names", hidden: true });
  const about = h("button", { class: "ghost", title: "Columns and functions", "aria-label": "Columns and functions", "aria-expanded": false, onclick: () => { names.hidden = !names.hidden; about.setAttribute("aria-expanded", String(!names.hidden)); } }, icon("help"));
  const insert = (text) => { query.setRangeText(text, query.selectionStart, query.selectionEnd, "end"); query.focus(); };
  const byQuery = form(() => send("query", { text: query.value }), entry(query, false, about), go());

  // around what is picked
  const centre = h("span", { class: "about" });
  const size = field({ type: "number", min: 0, step: "any", value: "2", "aria-label": "How far", "data-key": "size" });
  const [unit, unitBox] = dropdown("Unit of the distance", false);
  unit.append(...[["sigma", "σ"], ["latent", "latent"], ["nearest", "nearest"]].map(([value, label]) => h("option", { value }, label)));
  const START = { sigma: "2", latent: "0.2", nearest: "100" };
  let chosenByHand = false;
  const useUnit = (value) => { unit.value = value; size.value = START[value]; };
  unit.title = "σ: of the picked detection; latent: units of the map's axes; nearest: so many detections";
  unit.addEventListener("change", () => { chosenByHand = true; useUnit(unit.value); });
  const discGo = go();
  const byDisc = form(() => send("around", { size: size.value, unit: unit.value }), centre, entry(size, true), unitBox, discGo);
  const noCentre = h("p", { class: "none" }, "Click a point on the map first: the disc is drawn around it.");

  // class
  const [classes, classBox] = dropdown("Class to select", true);
  const byClass = form(() => send("class", { name: classes.value }), classBox, go());

  // saved
  const name = field({ type: "text", maxlength: 40, "aria-label": "Name to save the selection under", placeholder: "Name of this selection", "data-key": "name" });
  const store = h("button", { type: "submit", class: "btn quiet" }, "Save");
  const kept = h("div", { class: "kept" });
  const bySaved = form(() => { if (name.value.trim()) { send("keep", { name: name.value }); name.value = ""; } }, entry(name), store);
  const rename = (one, holder) => {
    const input = field({ type: "text", maxlength: 40, value: one.name, "aria-label": `New name of ${one.name}` });
    let left = false;
    const leave = (take) => { if (left) return; left = true; if (take && input.value.trim() && input.value.trim() !== one.name) send("rename", { name: one.name, to: input.value }); else shown(); };
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") leave(true); if (event.key === "Escape") { event.stopPropagation(); leave(false); } });
    input.addEventListener("blur", () => leave(true));
    holder.replaceChildren(input);
    input.focus(); input.select();
  };
  const shown = () => kept.replaceChildren(...(model.ways.saved ?? []).map((one) => {
    const holder = h("div", { class: "one" });
    holder.append(
      h("button", { class: "take", title: `${MODE_WORDS[model.ways.mode]}: ${one.how}. Double click to rename${one.linked ? "" : ". Links leave it out: no short rule makes it again"}`, onclick: (event) => { if (event.detail < 2) send("recall", { name: one.name }); }, ondblclick: () => rename(one, holder) }, h("b", {}, one.name), h("span", {}, one.count)),
      h("button", { class: "ghost", title: "Forget this selection", "aria-label": `Forget ${one.name}`, onclick: () => send("drop", { name: one.name }) }, icon("close")));
    return holder;
  }));

  const said = h("p", { class: "said", role: "alert", hidden: true });
  const parts = { query: [byQuery, names], around: [byDisc, noCentre], class: [byClass], saved: [bySaved, kept] };
  const savedTab = h("span", {}, "Saved");
  const tabs = [["query", "Query", "By the catalogue's columns"], ["around", "Around", "Around what is picked"], ["class", "Class", "All of one class"], ["saved", null, "Selections kept in this session"]].map(([key, label, title]) =>
    [key, h("button", { title, "aria-pressed": false, "data-key": `way-${key}`, onclick: () => { way = key; show(); } }, label ?? savedTab)]);
  const everything = h("button", { class: "link", title: "Everything on the map: visible classes, within the filters", onclick: () => send("shown") }, "All shown");
  const body = h("div", { class: "body" });
  const block = h("section", { class: "selectby", "aria-label": "Select by", onkeydown: (event) => { if (event.target.matches("input, select") && event.key !== "Escape") keep(event); } },
    h("div", { class: "kinds" }, h("div", { class: "seg", role: "group", "aria-label": "Select by" }, tabs.map(([, node]) => node)), everything), body, said);
  block.replaceChild(h("div", { style: { display: "contents" } }, Object.values(parts).flat()), body);

  let listed = "";
  function show() {
    const state = model.ways;
    for (const [key, node] of tabs) node.setAttribute("aria-pressed", String(key === way));
    for (const [key, nodes] of Object.entries(parts)) for (const node of nodes) if (node !== names) node.hidden = key !== way;
    if (way !== "query") names.hidden = true;
    about.setAttribute("aria-expanded", String(!names.hidden));
    for (const button of gos) { button.replaceChildren(icon(state.mode), MODE_WORDS[state.mode]); button.title = MODE_TITLES[state.mode]; }
    byDisc.hidden = way !== "around" || !state.around;
    noCentre.hidden = way !== "around" || !!state.around;
    centre.textContent = state.around?.name ?? "";
    centre.title = `Around ${centre.textContent}`;
    const sigma = unit.options[0];
    sigma.disabled = !state.around?.sigma;
    if (sigma.disabled && unit.value === "sigma") useUnit("latent");
    else if (!sigma.disabled && !chosenByHand && unit.value !== "sigma") useUnit("sigma");
    const chosen = classes.value, all = JSON.stringify(state.classes);
    if (all !== listed) {
      listed = all;
      classes.replaceChildren(...(state.classes ?? []).map((each) => h("option", { value: each.name }, `${each.name} (${thousands(each.count)})`)));
      if ((state.classes ?? []).some((each) => each.name === chosen)) classes.value = chosen;
    }
    if (!names.childElementCount && state.names)
      names.append(...state.names.map((each) => h("button", { title: `Write ${each}`, onclick: () => insert(each) }, each)), h("p", {}, `and, or, not, in; ${state.functions.join("; ")}; class in ("AGN", "Star")`));
    store.disabled = !state.selected;
    store.title = state.selected ? "Keep this selection under a name, for this session" : "Nothing is selected yet";
    savedTab.textContent = state.saved?.length ? `Saved ${state.saved.length}` : "Saved";
    kept.hidden = way !== "saved" || !state.saved?.length;
    shown();
    said.textContent = state.said?.[way] ?? "";
    said.hidden = !said.textContent;
  }
  model.on("ways", show);
  return { block, show };
}

/** While Shift or Alt is held and a drag selects, the next selection adds or subtracts; both keep what both hold. */
function heldModes(model, send) {
  let told = "";
  const tell = (mode) => { if (mode !== told) { told = mode; send("held", { mode }); } };
  const of = (event) => (event.shiftKey && event.altKey ? "intersect" : event.shiftKey ? "add" : event.altKey ? "subtract" : "");
  const hear = (event) => {
    const typing = event.composedPath()[0]?.closest?.("input, textarea, select");
    if (model.ways.tool === "pan" || typing || event.ctrlKey || event.metaKey) return tell("");
    if (event.key === "Alt") event.preventDefault();  // or the browser's menu takes the keyboard
    tell(of(event));
  };
  const leave = () => tell("");
  const events = [["keydown", hear], ["keyup", hear], ["pointerdown", hear], ["blur", leave]];
  for (const [name, heard] of events) window.addEventListener(name, heard, true);
  model.on("remove", () => { for (const [name, heard] of events) window.removeEventListener(name, heard, true); });
}
