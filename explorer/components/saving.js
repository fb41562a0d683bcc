// A quiet button that saves a plot as a figure for a paper. After elements.js.
const SAVE_FORMATS = [["png", "PNG", "Pixels, 300 per inch"], ["svg", "SVG", "Vectors, for the web and for drawing programs"], ["pdf", "PDF", "Vectors, for LaTeX and journals"]];
const SAVE_CHOICES = {
  column: ["Width", [["one", "88 mm", "One column of a journal's page"], ["two", "180 mm", "Two columns, the page's whole width"]]],
  ground: ["Colours", [["paper", "Paper", "Light colours on white"], ["screen", "As on screen", "Colours of the theme in front"]]],
};
let saveNumber = 0;

/**
 * The button with its menu: one element, to be placed anew wherever the part draws itself again.
 * Sends {type: "save", id, what, format, column, ground} and waits for {type: "figure", id, name, media, file | error}.
 */
function saveButton(model, what, title) {
  const choice = (name) => { try { return sessionStorage.getItem(`xle-save-${name}`); } catch { return null; } };
  const keep = (name, value) => { try { sessionStorage.setItem(`xle-save-${name}`, value); } catch { /* a page without storage forgets */ } };
  const chosen = { column: choice("column") ?? "one", ground: choice("ground") ?? "paper" };
  let waiting = null, late = 0;
  const menuId = `save-${what}-${(saveNumber += 1)}`;
  const told = h("p", { class: "told", role: "status", "aria-live": "polite" });
  const formats = SAVE_FORMATS.map(([format, label, hint]) => h("button", { class: "btn quiet", title: hint, "data-format": format, onclick: () => save(format) }, label));
  const rows = Object.entries(SAVE_CHOICES).map(([name, [label, options]]) => {
    const buttons = options.map(([value, text, hint]) => [value, h("button", { title: hint, "data-choice": value, onclick: () => { chosen[name] = value; keep(name, value); show(); } }, text)]);
    return { name, buttons, node: h("div", { class: "choice" }, h("span", {}, label), h("div", { class: "seg", role: "group", "aria-label": label }, buttons.map(([, node]) => node))) };
  });
  const menu = h("div", { class: "savemenu float", id: menuId, popover: "auto", role: "dialog", "aria-label": title },
    h("b", {}, title), rows.map(({ node }) => node), h("div", { class: "formats" }, formats), told);
  const button = h("button", { class: "ghost", title, "aria-label": title, "aria-haspopup": "dialog", "aria-expanded": false, "data-key": `save-${what}`, onclick: () => menu.togglePopover() }, icon("download"));
  const holder = h("span", { class: "xle-save" }, button, menu);

  const show = () => {
    for (const { name, buttons } of rows) for (const [value, node] of buttons) node.setAttribute("aria-pressed", String(chosen[name] === value));
    for (const node of formats) node.disabled = waiting !== null;
  };
  const save = (format) => {
    if (waiting) return;
    waiting = `${menuId}-${Date.now()}`;
    told.classList.remove("bad");
    told.textContent = "Saving…";
    show();
    // a page that has lost its server would otherwise say "Saving…" for ever
    late = setTimeout(() => finish("No answer from the server. Reload the page and try again."), 60_000);
    model.send_msg({ type: "save", id: waiting, what, format, ...chosen });
  };
  const finish = (error) => {
    clearTimeout(late);
    waiting = null;
    told.classList.toggle("bad", Boolean(error));
    told.textContent = error ?? "";
    show();
    if (!error && menu.matches(":popover-open")) { menu.hidePopover(); button.focus({ preventScroll: true }); }
  };
  model.on("msg:custom", (raw) => {
    const message = raw?.data ?? raw;
    if (message.type !== "figure" || message.id !== waiting) return;
    if (message.error) { finish(message.error); return; }
    const bytes = Uint8Array.from(atob(message.file), (letter) => letter.charCodeAt(0));
    const link = h("a", { href: URL.createObjectURL(new Blob([bytes], { type: message.media })), download: message.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    finish(null);
  });
  menu.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    menu.toggleAttribute("data-open", open);  // taken out of the page it closes without an event: swap opens it again
    if (!open) return;
    if (!waiting) { told.textContent = ""; told.classList.remove("bad"); }
    // below the button, flush with its right edge unless that leaves the window
    const at = button.getBoundingClientRect(), wide = menu.offsetWidth, tall = menu.offsetHeight;
    menu.style.left = `${Math.max(8, Math.min(at.right - wide, innerWidth - wide - 8))}px`;
    menu.style.top = `${at.bottom + 6 + tall > innerHeight - 8 ? Math.max(8, at.top - 6 - tall) : at.bottom + 6}px`;
    formats[0].focus({ preventScroll: true });
  });
  // keys in the menu are the menu's: Esc closes it, and clears no lasso
  menu.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { event.preventDefault(); menu.hidePopover(); button.focus({ preventScroll: true }); }
  });
  show();
  return holder;
}
