// Words over the map: one line where it is empty, a hint on the first visit of a browser, and live regions.
const SEEN = "xle-hint-1";
const seen = () => { try { return window.localStorage.getItem(SEEN) !== null; } catch { return true; } };  // a browser that keeps nothing is not told again and again
const remember = () => { try { window.localStorage.setItem(SEEN, "seen"); } catch { /* told once more next time */ } };
export function render({ model }) {
  const text = h("span"), button = h("button", { class: "btn quiet", onclick: () => model.send_msg({ action: model.empty.action }) });
  const empty = h("div", { class: "float nothing", role: "status" }, text, button);
  const said = h("div", { class: "sr spoken", role: "status", "aria-live": "polite" });
  const counted = h("div", { class: "sr counted", role: "status", "aria-live": "polite" });
  const done = () => { remember(); hint.hidden = true; };
  const cap = (key, what) => [h("kbd", {}, key), h("span", {}, what)];
  const hint = h("div", { class: "float hint", role: "note", "aria-label": "How to begin", hidden: seen() },
    h("div", { class: "head" }, h("b", {}, "Every lit pixel is a detection"), h("button", { class: "ghost", title: "Close this hint for good", "aria-label": "Close this hint", onclick: done }, icon("close"))),
    h("p", {}, "Close together means similar X-ray spectra."),
    h("div", { class: "ways" }, cap("Click", "a point for its spectrum, empty space to decode one"), cap("Wheel", "to zoom, drag to pan"), cap("L", "to select with a lasso"), cap("?", "for every key")));
  const showEmpty = () => {
    empty.hidden = !model.empty.text;
    text.textContent = model.empty.text ?? "";
    button.textContent = model.empty.button ?? "";
    button.hidden = !model.empty.button;
  };
  const showBegun = () => { if (model.begun && !hint.hidden) done(); };
  // Bokeh's canvas takes the focus, and it names itself nothing
  const label = () => {
    const find = (root) => root.querySelector(".bk-events") ?? [...root.querySelectorAll("*")].filter((node) => node.shadowRoot).map((node) => find(node.shadowRoot)).find(Boolean);
    const map = find(document.querySelector(".xle-mapslot .plot") ?? document);
    if (!map) return setTimeout(label, 200);
    map.setAttribute("role", "application");
    map.setAttribute("aria-roledescription", "map");
    map.setAttribute("aria-label", model.label);
  };
  model.on("empty", showEmpty);
  model.on("begun", showBegun);
  model.on("spoken", () => { said.textContent = model.spoken; });
  model.on("counted", () => { counted.textContent = model.counted; });
  model.on("label", label);
  showEmpty(); showBegun(); label();
  return h("div", { class: "overlay" }, empty, hint, said, counted);
}
