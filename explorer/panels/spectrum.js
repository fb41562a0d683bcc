// Who is picked, how well it fits, and the plot's controls.
const SNR = [["0", "any"], ["3", "≥ 3"], ["5", "≥ 5"], ["10", "≥ 10"]];

export function render({ model }) {
  const root = h("div", { class: "readout" });
  let late = 0;

  const step = (icon_, label, key, row) => h("button", {
    class: "ghost", title: row === null ? `No ${label.toLowerCase()}` : `${label} (${key})`, "aria-label": label,
    "data-key": label, disabled: row === null, onclick: () => model.send_msg({ type: "pick", row }),
  }, icon(icon_));

  const copy = (text) => {
    const button = h("button", { class: "ghost", title: "Copy name", "aria-label": "Copy name", "data-key": "copy" }, icon("copy"));
    button.onclick = async () => {
      try { await navigator.clipboard.writeText(text); }
      catch {  // no clipboard without HTTPS, except on this machine: select the name instead
        getSelection().selectAllChildren(button.previousElementSibling); return;
      }
      button.replaceChildren(icon("check")); setTimeout(() => button.replaceChildren(icon("copy")), 1200);
    };
    return button;
  };

  const dots = (words) => words.flatMap((word, i) => [i ? h("span", { class: "dim" }, "·") : null, h("span", {}, word)]);

  const save = saveButton(model, "spectrum", "Save this plot as a figure");
  const controls = (c) => h("div", { class: "ctl" },
    c.state === "picked" ? h("div", { class: "seg", role: "group", "aria-label": "What is drawn" },
      ...[["counts", "Counts", "Counts and folded reconstruction"], ["unfolded", "Unfolded E F(E)", "Unfolded, not deconvolved"], ["templates", "Templates", "What the decoded spectrum is built from"]].map(([mode, label, title]) =>
        h("button", { "aria-pressed": model.mode === mode, title, "data-key": mode, onclick: () => { model.mode = mode; } }, label)))
      : h("span", { class: "sub" }, "E F(E), arbitrary normalisation"),
    h("span", { class: "spacer" }),
    c.state === "picked" && model.mode !== "templates" ? h("label", { class: "select", title: "Join bins until each point has this signal-to-noise ratio; any: every bin is a point" }, "S/N",
      h("select", { "data-key": "snr", "aria-label": "Least signal-to-noise ratio of a point", onchange: (event) => { model.snr = event.target.value; } },
        ...SNR.map(([value, label]) => h("option", { value, selected: value === model.snr }, label))), icon("down")) : null, save);

  const picked = (c) => [
    h("div", { class: "id" },
      h("div", { class: "name" }, h("h1", { title: c.name }, c.name), copy(c.name)),
      h("div", { class: "row" }, classPill(c.token, c.class_label), h("span", { class: "sub clip", title: [c.origin, c.counterpart].filter(Boolean).join(". ") }, c.origin),
        c.ambiguous ? h("span", { class: "doubt", title: c.counterpart }, "ambiguous") : null,
        h("span", { class: "step" }, step("left", "Previous observation", "[", c.previous),
          h("span", { title: "Observations of this source in time order" }, c.place), step("right", "Next observation", "]", c.next))),
      h("div", { class: "row sub" }, dots(c.facts)),
      h("div", { class: "row links" },
        ...(c.simulated ? ["XSA", "SIMBAD", "ESASky", "IRAP"].map((label) => h("span", { class: "off", title: "simulated: no page to open" }, label))
          : c.links.map((link) => h("a", { href: link.url, title: link.title, target: "_blank", rel: "noopener noreferrer" }, link.label))),
        c.simulated ? h("span", { class: "why" }, "simulated: no page to open") : null),
      h("div", { class: "verdict", title: c.verdict.hint }, h("i", { class: `mk ${c.verdict.grade}` }), h("b", {}, c.verdict.words),
        h("span", { class: "sub clip", title: c.verdict.numbers }, c.verdict.numbers)),
      c.verdict.hint ? h("div", { class: "hint sub" }, c.verdict.hint) : null),
    controls(c),
  ];

  const decoded = (c) => [
    h("div", { class: "id" },
      h("div", { class: "name" }, h("h1", { class: "model" }, c.name)),
      h("div", { class: "row sub" }, "No detection here: this is the spectrum the decoder expects."),
      h("div", { class: "row sub" }, "The band is as uncertain as the nearest detections are."),
      h("div", { class: "row sub nearest" }, h("span", { class: "label", title: "The nearest detection on the map" }, "Nearest"),
        h("button", { class: "jump", title: "Pick this detection", "data-key": "nearest", onclick: () => model.send_msg({ type: "pick", row: c.nearest.row }) },
          classChip(c.nearest.token, c.nearest.class_label), c.nearest.name), h("span", {}, c.nearest.distance))),
    controls(c),
  ];

  const empty = () => h("div", { class: "state" }, h("h3", {}, "Nothing picked yet"),
    h("p", {}, "Click a point to see its spectrum. Click empty space to decode the spectrum the model expects there."),
    h("button", { class: "btn quiet", "data-key": "random", onclick: () => model.send_msg({ type: "random" }) }, "Pick a random source"));

  const skeleton = () => h("div", { class: "waiting" }, ...[[22, 62], [14, 44], [14, 70], [300, 100], [64, 100]].map(([height, width]) =>
    h("div", { class: "sk", style: { height: `${height}px`, width: `${width}%` } })));

  const update = () => {
    const c = model.content;
    clearTimeout(late);
    const page = root.getRootNode().host?.parentNode?.host;  // the panel that holds readout, plot and statistics
    if (page) page.toggleAttribute("data-busy", c.state === "loading" && c.keep);  // skeletons are dim enough
    root.getRootNode().host?.toggleAttribute("data-fill", !["picked", "decoded"].includes(c.state) && !c.keep);
    if (c.state === "loading") {
      if (!c.keep) { root.replaceChildren(); late = setTimeout(() => swap(root, skeleton()), 150); }
    } else if (c.state === "picked") swap(root, picked(c));
    else if (c.state === "decoded") swap(root, decoded(c));
    else if (c.state === "error") swap(root, errorBox(c.error, () => model.send_msg({ type: "retry" })));
    else swap(root, empty());
  };
  model.on("content", update);
  model.on("mode", update);
  model.on("snr", update);
  model.on("after_render", update);
  return root;
}
