// Buttons at the end of the header, and the address. The theme changes in the page at once; the server restyles the plots behind it.
const SAID_MS = 2400;
export function render({ model }) {
  // The address is replaced, never pushed: "back" leaves the page for the one before, "forward" comes back to this state.
  const write = (query) => {
    const address = window.location.pathname + query + window.location.hash;
    if (address !== window.location.pathname + window.location.search + window.location.hash) window.history.replaceState(window.history.state, "", address);
    return window.location.href;
  };
  const said = h("div", { class: "float said-share", role: "status", hidden: true });
  const picture = h("span", { class: "pic" }, icon("link"));
  const share = h("button", { id: "share", title: "Copy a link to this view", onclick: () => { asked += 1; model.send_msg({ share: asked }); } }, picture, h("span", { class: "lbl" }, "Share"));
  let asked = 0, timer = null;
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* no permission, or not a secure page: the old way */ }
    const field = h("textarea", { class: "sr", "aria-hidden": true }, text), before = document.activeElement;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    before?.focus?.();
    return done;
  };
  const tell = (words, note) => {
    said.replaceChildren(h("b", {}, words), note ? h("span", {}, note) : "");
    said.hidden = false;
    picture.replaceChildren(icon("check"));
    clearTimeout(timer);
    timer = setTimeout(() => { said.hidden = true; picture.replaceChildren(icon("link")); }, SAID_MS);
  };
  model.on("msg:custom", async (message) => {
    if (message.share !== asked) return;
    const text = write(message.link);
    tell(...(await copy(text) ? ["Link copied", message.note] : ["Not copied", "the browser does not allow it: copy the link from the address bar"]));
  });
  const button = h("button", { id: "theme", onclick: () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    show(theme);
    model.send_msg({ theme });
  } });
  const help = h("button", { title: "Help and shortcuts (?)", "aria-label": "Help and shortcuts",
    onclick: () => window.dispatchEvent(new CustomEvent("xle-help")) }, icon("help"));
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.replaceChildren(icon(theme === "dark" ? "sun" : "moon"));
    button.title = `${theme === "dark" ? "Light" : "Dark"} theme`;
    button.setAttribute("aria-label", button.title);
  };
  model.on("theme", () => show(model.theme));
  model.on("link", () => write(model.link));
  show(model.theme);
  return h("div", { class: "actions" }, share, h("i", { class: "sep" }), button, help, said);
}
