// Buttons at the end of the header. The theme changes in the page at once; the server restyles the plots behind it.
export function render({ model }) {
  const theme = h("button", { id: "theme", onclick: () => { model.theme = model.theme === "dark" ? "light" : "dark"; } });
  const help = h("button", { title: "Help and shortcuts (?)", "aria-label": "Help and shortcuts",
    onclick: () => window.dispatchEvent(new CustomEvent("xle-help")) }, icon("help"));
  const show = () => {
    document.documentElement.dataset.theme = model.theme;
    const other = model.theme === "dark" ? "light" : "dark";
    theme.replaceChildren(icon(other === "light" ? "sun" : "moon"));
    theme.title = `${other === "light" ? "Light" : "Dark"} theme`;
    theme.setAttribute("aria-label", theme.title);
  };
  model.on("theme", show);
  show();
  return h("div", { class: "actions" }, theme, help);
}
