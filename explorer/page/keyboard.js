// The keyboard, and the sheet that lists it. Keys work anywhere but in a field that takes text.
const SHEET = [
  ["Map", [["Pan and pick", "V"], ["Whole map", "0"], ["Zoom in, out", "+", "−"], ["Move the map", "←", "↑", "→", "↓"], ["Contours of density", "K"], ["Equal scale on both axes", "E"], ["Grey what is not selected", "G"]]],
  ["Find", [["Search", "/"], ["Add a filter", "F"]]],
  ["Select", [["Lasso, box, disc", "L", "B", "D"], ["Replace, add", "R", "A"], ["Subtract, intersect", "S", "I"], ["Undo", "Ctrl", "Z"], ["Redo", "Ctrl", "Shift", "Z"], ["Clear the lasso, then the pick", "Esc"]]],
  ["Inspect", [["Previous, next observation", "[", "]"], ["Tabs of the inspector", "1", "2", "3", "4"], ["This sheet", "?"]]],
];
const KEYS = { v: "pan", l: "lasso", b: "box", d: "disc", g: "grey", k: "contours", e: "aspect", r: "mode-replace", a: "mode-add", s: "mode-subtract", i: "mode-intersect",
  "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", "−": "zoom-out", 0: "home", "[": "previous", "]": "next",
  1: "tab-1", 2: "tab-2", 3: "tab-3", 4: "tab-4", ArrowLeft: "west", ArrowRight: "east", ArrowUp: "north", ArrowDown: "south", Escape: "escape" };
const CALLS = { "/": "xle-search", f: "xle-filter" };  // parts of the page that open in the browser alone
// Arrows belong to what has the focus, where that is a list, a slider or a set of tabs.
const OWN_ARROWS = "[role=tablist], [role=listbox], [role=slider], [role=combobox], [role=menu], [role=radiogroup], [role=dialog], .scroll, .vt";
// Bokeh draws a dotted line around a plot that was clicked. The ring is for the keyboard.
const RING = new CSSStyleSheet();
RING.replaceSync(".bk-events:focus:not(:focus-visible) { outline: none !important; } .bk-events:focus-visible { outline: var(--map-focus, 2px) solid var(--focus) !important; outline-offset: -2px !important; }");
const calm = (event) => { for (const node of event.composedPath()) if (node instanceof ShadowRoot && !node.adoptedStyleSheets.includes(RING)) node.adoptedStyleSheets.push(RING); };

const deepest = (root) => { const node = root.activeElement; return node?.shadowRoot?.activeElement ? deepest(node.shadowRoot) : node; };

export function render({ model }) {
  let sheet = null, before = null;
  const close = () => { sheet?.remove(); sheet = null; before?.focus?.(); };
  const root = h("div");
  const open = () => {
    if (sheet) return close();
    before = deepest(document);
    const done = h("button", { class: "ghost", title: "Close (Esc)", "aria-label": "Close", onclick: close }, icon("close"));
    const block = ([title, rows]) => h("div", {}, h("h4", {}, title), rows.map(([what, ...caps]) =>
      h("div", { class: "shortcut" }, h("span", {}, what), h("span", { class: "caps" }, caps.map((cap) => h("kbd", {}, cap))))));
    sheet = h("div", { class: "sheet", role: "dialog", "aria-modal": true, "aria-label": "Help and shortcuts", onclick: (event) => { if (event.target === sheet) close(); } },
      h("div", { class: "card" }, h("header", {}, h("h3", {}, "Help and shortcuts"), done),
        h("p", { style: { "margin-top": "0" } }, "Every lit pixel is a detection: one source in one observation, placed by its X-ray spectrum. Click one to see its counts; click empty space to decode the spectrum that the model expects there."),
        h("div", { class: "columns" }, h("div", {}, SHEET.slice(0, 2).map(block)), h("div", {}, SHEET.slice(2).map(block))),
        h("p", {}, "A pixel's hue is the mean of its classes, weighted by their counts; Unclassified weighs 0.35 and No match 0.10, so that sources without a class add density, not grey. Ranks come from the whole archive: hiding a class does not re-scale the rest.")));
    root.append(sheet);
    done.focus();
  };
  // Tab stays inside the sheet while it is open
  const keepInside = (event) => {
    const stops = [...sheet.querySelectorAll("button")];
    event.preventDefault();
    stops[(stops.indexOf(root.getRootNode().activeElement) + (event.shiftKey ? -1 : 1) + stops.length) % stops.length].focus();
  };
  const press = (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const path = event.composedPath();
    if (path[0]?.closest?.("input, textarea, select, [contenteditable]")) return;
    const letter = event.key.toLowerCase();
    let action = KEYS[event.key] ?? KEYS[letter];
    if (event.ctrlKey || event.metaKey) action = letter === "z" ? (event.shiftKey ? "redo" : "undo") : letter === "y" ? "redo" : undefined;
    else if (event.altKey) action = undefined;
    else if (event.key === "?") { event.preventDefault(); return open(); }
    if (sheet) {
      if (action === "escape") { event.preventDefault(); close(); }
      if (event.key === "Tab") keepInside(event);
      return;
    }
    if (!event.ctrlKey && !event.metaKey && !event.altKey && CALLS[letter]) {
      event.preventDefault();  // or the letter would be typed into the field that opens
      window.dispatchEvent(new CustomEvent(CALLS[letter]));
      return;
    }
    if (!action) return;
    if (event.key.startsWith("Arrow") && path.some((node) => node.matches?.(OWN_ARROWS))) return;
    event.preventDefault();
    model.send_msg({ action });
  };
  window.addEventListener("keydown", press);
  window.addEventListener("focusin", calm);
  window.addEventListener("xle-help", open);
  model.on("remove", () => { window.removeEventListener("keydown", press); window.removeEventListener("focusin", calm); window.removeEventListener("xle-help", open); });
  return root;
}
