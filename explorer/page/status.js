// Status line: hints, what is under the mouse, how much is shown. It also knocks at the server after every action:
// an answer later than 150 ms shows "working…", and a lost connection is said in words.
const WORKING_MS = 150, SILENT_MS = 8000;
export function render({ model, view }) {
  const hint = (key, text) => h("span", { class: "wide" }, h("b", {}, key), ` ${text}`);
  const hints = h("span", { style: { display: "flex", gap: "18px" } },
    hint("Click", "a point to pick, empty space to decode"), hint("Drag", "to pan"), hint("L", "lasso"), h("span", {}, h("b", {}, "?"), " all shortcuts"));
  const notice = h("span", { class: "notice", role: "status" });
  const lost = h("span", { class: "lost", role: "alert", hidden: true });
  const working = h("span", { class: "lit", hidden: true }, "working…");
  const cursor = h("span", { class: "lit cursor" }), shown = h("span", { class: "shown" }), frame = h("span", { class: "frame" });
  const show = () => {
    notice.textContent = model.notice;
    hints.hidden = model.notice !== "" || !lost.hidden;
    notice.hidden = model.notice === "" || !lost.hidden;
    cursor.textContent = model.cursor.length ? `μ₁ ${decimals(model.cursor[0])}\u2002μ₂ ${decimals(model.cursor[1])}` : "";
    shown.textContent = model.shown === model.total ? `${thousands(model.total)} shown` : `${thousands(model.shown)} of ${thousands(model.total)} shown`;
    const ms = model.frame_ms;  // a frame that was kept is there at once
    frame.textContent = !(ms > 0) ? "" : ms < 1 ? "frame < 1 ms" : `frame ${Math.round(ms)} ms`;
    frame.title = "Time the server took to draw the last map image";
  };
  const sayLost = (text) => {
    lost.replaceChildren(text, h("button", { onclick: () => window.location.reload() }, "Reload"));
    lost.hidden = false;
    document.documentElement.dataset.lost = "";
    show();
  };
  const sayBack = () => { lost.hidden = true; delete document.documentElement.dataset.lost; show(); };

  let sent = 0, answered = 0, timers = [];
  const knock = () => {
    if (sent > answered || !lost.hidden) return;
    model.send_msg({ knock: ++sent });
    timers = [setTimeout(() => { working.hidden = false; }, WORKING_MS),
      setTimeout(() => { working.textContent = "the server is still busy…"; }, SILENT_MS)];
  };
  model.on("msg:custom", (message) => {
    if (message.knock === undefined) return;
    answered = message.knock;
    timers.forEach(clearTimeout);
    working.hidden = true;
    working.textContent = "working…";
    if (!lost.hidden) sayBack();
  });
  const soon = () => setTimeout(knock, 0);
  for (const kind of ["pointerup", "keyup", "wheel"]) window.addEventListener(kind, soon, { passive: true });
  model.on("remove", () => { for (const kind of ["pointerup", "keyup", "wheel"]) window.removeEventListener(kind, soon); timers.forEach(clearTimeout); });

  const page = view?.model?.document ?? Object.values(window.Bokeh?.index ?? {})[0]?.model?.document ?? window.Bokeh?.documents?.[0];
  if (page) {
    page.config.notify_connection_status = false;  // said here instead
    page.on_event("connection_lost", () => sayLost("The server is gone: what you see stays, nothing answers. Start it again, then reload."));
    page.on_event("client_reconnected", sayBack);
  }
  model.on(["cursor", "shown", "total", "frame_ms", "notice"], show);
  show();
  requestAnimationFrame(() => { document.documentElement.dataset.ready = ""; });
  return h("div", { class: "status" }, lost, notice, hints, h("span", { class: "end" }, working, cursor, shown, frame));
}
