// Buttons at the end of the header. The theme changes in the page at once; the server restyles the plots behind it.
export function render({ model }) {
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
  show(model.theme);
  return h("div", { class: "actions" }, button, help);
}
