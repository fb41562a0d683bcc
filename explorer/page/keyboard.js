// The keyboard, and the sheet that lists it. Keys work anywhere but in a field that takes text.
const SHEET = [
  ["Map", [["Pan and pick", "V"], ["Lasso", "L"], ["Box", "B"], ["Grey what is not selected", "G"], ["Zoom in, out", "+", "−"], ["Whole map", "0"], ["Move the map", "←", "↑", "→", "↓"]]],
  ["Picked source", [["Previous, next observation", "[", "]"], ["Tabs of the inspector", "1", "2", "3", "4"]]],
  ["Selection", [["Undo", "Ctrl", "Z"], ["Redo", "Ctrl", "Shift", "Z"], ["Clear the lasso, then the pick", "Esc"]]],
  ["Page", [["This sheet", "?"]]],
];
const KEYS = { v: "pan", l: "lasso", b: "box", g: "grey", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", "−": "zoom-out", 0: "home", "[": "previous", "]": "next",
  1: "tab-1", 2: "tab-2", 3: "tab-3", 4: "tab-4", ArrowLeft: "west", ArrowRight: "east", ArrowUp: "north", ArrowDown: "south", Escape: "escape" };
// Bokeh draws a dotted line around a plot that was clicked. The ring is for the keyboard.
const RING = new CSSStyleSheet();
RING.replaceSync(".bk-events:focus:not(:focus-visible) { outline: none !important; } .bk-events:focus-visible { outline: 2px solid var(--focus) !important; outline-offset: -2px !important; }");
const calm = (event) => { for (const node of event.composedPath()) if (node instanceof ShadowRoot && !node.adoptedStyleSheets.includes(RING)) node.adoptedStyleSheets.push(RING); };

export function render({ model }) {
  let sheet = null, before = null;
  const close = () => { sheet?.remove(); sheet = null; before?.focus?.(); };
  const root = h("div");
  const open = () => {
    if (sheet) return close();
    before = document.activeElement;
    const done = h("button", { class: "ghost", title: "Close (Esc)", "aria-label": "Close", onclick: close }, icon("close"));
    const block = ([title, rows]) => h("div", {}, h("h4", {}, title), rows.map(([what, ...caps]) =>
      h("div", { class: "shortcut" }, h("span", {}, what), h("span", { class: "caps" }, caps.map((cap) => h("kbd", {}, cap))))));
    sheet = h("div", { class: "sheet", role: "dialog", "aria-modal": true, "aria-label": "Help and shortcuts", onclick: (event) => { if (event.target === sheet) close(); } },
      h("div", { class: "card" }, h("header", {}, h("h3", {}, "Help and shortcuts"), done),
        h("p", { style: { "margin-top": "0" } }, "Every lit pixel is a detection: one source in one observation, placed by its X-ray spectrum. Click one to see its counts; click empty space to decode the spectrum that the model expects there."),
        h("div", { class: "columns" }, h("div", {}, block(SHEET[0])), h("div", {}, SHEET.slice(1).map(block))),
        h("p", {}, "A pixel's hue is the mean of its classes, weighted by their counts; Unclassified weighs 0.35 and No match 0.10, so that sources without a class add density, not grey. Ranks come from the whole archive: hiding a class does not re-scale the rest.")));
    root.append(sheet);
    done.focus();
  };
  const press = (event) => {
    if (event.defaultPrevented) return;
    const target = event.composedPath()[0];
    if (target?.closest?.("input, textarea, select, [contenteditable]")) return;
    let action = KEYS[event.key] ?? KEYS[event.key.toLowerCase()];
    if (event.ctrlKey || event.metaKey) action = event.key.toLowerCase() === "z" ? (event.shiftKey ? "redo" : "undo") : event.key.toLowerCase() === "y" ? "redo" : undefined;
    else if (event.altKey) action = undefined;
    else if (event.key === "?") { event.preventDefault(); return open(); }
    if (sheet) { if (action === "escape") { event.preventDefault(); close(); } return; }
    if (!action) return;
    event.preventDefault();
    model.send_msg({ action });
  };
  window.addEventListener("keydown", press);
  window.addEventListener("focusin", calm);
  window.addEventListener("xle-help", open);
  model.on("remove", () => { window.removeEventListener("keydown", press); window.removeEventListener("focusin", calm); window.removeEventListener("xle-help", open); });
  return root;
}
