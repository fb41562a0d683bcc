// All observations of the picked source: how bright, where in latent space, how far each step.
export function render({ model }) {
  const root = h("div", { class: "sheetpart" });
  let playing = 0, at = -1;
  const pick = (row) => model.send_msg({ type: "pick", row });
  const stop = () => { clearInterval(playing); playing = 0; };

  const play = () => {
    if (playing) { stop(); update(); return; }
    const rows = (model.content.rows ?? []).map((row) => row.row);
    at = -1;
    const step = () => { at += 1; if (at >= rows.length) { stop(); update(); } else pick(rows[at]); };
    playing = setInterval(step, 600);
    step();
    update();
  };

  const line = (row) => h("tr", { tabindex: 0, "aria-current": row.current, "data-key": `row${row.row}`, title: `Show the spectrum of ${row.date}`,
    onclick: () => { stop(); pick(row.row); }, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); stop(); pick(row.row); } } },
    h("td", { class: "left" }, h("i", { class: "dotmark", style: { background: timeColour(row.t) } }), row.date),
    h("td", { title: row.rate_full }, row.rate), ...row.mu.map((mu) => h("td", { title: mu.full }, mu.value)),
    h("td", { class: row.weak ? "weak" : "" }, row.step));

  const save = saveButton(model, "trajectory", "Save trajectory and light curve as a figure");
  const update = () => {
    const c = model.content;
    if (c.state !== "many" && playing) stop();
    if (c.state === "error") { swap(root, errorBox(c.error, () => model.send_msg({ type: "retry" }))); return; }
    if (c.state === "empty") {
      swap(root, h("div", { class: "state" }, h("h3", {}, c.title), h("p", {}, c.text)));
      return;
    }
    const scroll = root.querySelector(".scroll")?.scrollTop ?? 0;
    swap(root,
      h("div", { class: "lead" }, h("div", { class: "name" }, h("h1", { title: c.name }, c.name)), h("div", { class: "row" }, classPill(c.token, c.class_label)), h("div", { class: "row sub" }, h("span", { title: c.words }, c.words))),
      c.curve ? h("div", { class: "caption" }, h("b", {}, "Brightness over time"), h("span", {}, "0.3–10 keV, counts/s"), h("span", { class: "spacer" }),
        h("button", { class: "ghost", "data-key": "play", title: playing ? "Stop" : "Play the observations in time order", "aria-label": playing ? "Stop" : "Play", onclick: play }, icon(playing ? "pause" : "play")), save) : null,
      c.curve ? h("div", { class: "chartbox" }, lightCurve(c.curve, (row) => { stop(); pick(row); })) : null,
      h("div", { class: "scroll" }, h("table", {},
        h("colgroup", {}, h("col", { style: { width: "31%" } }), h("col", { style: { width: "20%" } }), h("col", {}), h("col", {}), h("col", { style: { width: "17%" } })),
        h("thead", {}, h("tr", {}, h("th", { class: "left" }, "Observation"), h("th", { title: "Net counts per second, 0.3–10 keV" }, "Counts/s"), h("th", {}, "μ₁"), h("th", {}, "μ₂"),
          h("th", { title: "Length of the step from the observation before, in units of its error" }, "Step"))),
        h("tbody", {}, ...c.rows.map(line)))));
    root.querySelector(".scroll").scrollTop = scroll;
    const current = root.querySelector("tr[aria-current=true]");
    if (playing && current) current.scrollIntoView({ block: "nearest" });
  };
  model.on("content", update);
  model.on("remove", stop);
  model.on("after_render", update);
  return root;
}
