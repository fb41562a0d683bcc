// What floats over the map: tools, keys of density and track, the card of what is under the mouse.
const TOOLS = [["pan", "Pan and pick (V)", "pan"], ["lasso", "Lasso (L)", "lasso"], ["box", "Box (B)", "box"], ["disc", "Disc around a point (D)", "disc"]];
const SWITCHES = [["contours", "Contours of density (K)", "contours"], ["aspect", "Equal scale on both axes (E)", "equal"]];
const STEP_MS = 600;
const SCALES = { equal: "equalised", log: "logarithmic", linear: "linear" };
// Bokeh takes a click of more than 300 ms, or one on a busy machine, for a long press, which means nothing here, and
// then a drag for none: both would be lost.
const GESTURES = window.Bokeh?.require?.("core/ui_gestures")?.UIGestures;
if (GESTURES) GESTURES.press_threshold = 2 ** 31 - 1;

export function render({ model }) {
  const act = (action) => () => model.send_msg({ action });
  const button = (title, picture, onclick) => h("button", { title, "aria-label": title, onclick }, icon(picture));
  const tools = TOOLS.map(([name, title, picture]) => [name, button(title, picture, act(name))]);
  const grey = button("Grey what is not selected (G)", "half", act("grey"));
  const switches = SWITCHES.map(([name, title, picture]) => [name, button(title, picture, act(name))]);
  const save = saveButton(model, "map", "Save the map as a figure");
  const bar = h("div", { class: "float tools", role: "toolbar", "aria-label": "Map tools" },
    tools.map(([, node]) => node), h("i"), grey, switches.map(([, node]) => node), h("i"), button("Zoom in (+)", "plus", act("zoom-in")), button("Zoom out (−)", "minus", act("zoom-out")), button("Whole map (0)", "home", act("home")), h("i"), save);
  const scale = h("span"), most = h("span");
  const density = h("div", { class: "float key density" }, h("div", { class: "head" }, h("b", {}, "Density"), scale), h("div", { class: "ramp" }), h("div", { class: "ends" }, h("span", {}, "1"), most));
  const colourTitle = h("b"), colourMean = h("span"), colourRamp = h("div", { class: "ramp" }), colourEnds = h("div", { class: "ends at" });
  const colour = h("div", { class: "float key colour", hidden: true }, h("div", { class: "head" }, colourTitle, colourMean), colourRamp, colourEnds);
  const trackTitle = h("b"), first = h("span"), last = h("span");
  const playButton = h("button", { class: "play", onclick: () => play(!playing) });
  const track = h("div", { class: "float key time" }, h("div", { class: "head" }, trackTitle, playButton), h("div", { class: "ramp" }), h("div", { class: "ends" }, first, last));
  const card = h("div", { class: "float tip", role: "tooltip", hidden: true });
  const corner = h("div", { class: "keys" }, colour, density, track);
  const over = h("div", { class: "overlay" }, bar, corner, card, save.querySelector(".savemenu"));

  // play: the observations of the track in time order, one a step; a press on the map or another source ends it
  let playing = 0, at = 0, whose = "";
  const play = (on) => {
    clearInterval(playing);
    playing = 0;
    if (on) {
      at = -1;
      whose = model.track.source;
      const step = () => { at += 1; if (at < model.track.n) model.send_msg({ observation: at }); else play(false); };
      playing = setInterval(step, STEP_MS);
      step();
    }
    const title = playing ? "Stop" : "Play the observations in time order";
    playButton.replaceChildren(icon(playing ? "pause" : "play"));
    playButton.title = title;
    playButton.setAttribute("aria-label", title);
  };
  const interrupt = (event) => { if (playing && !event.composedPath().includes(playButton)) play(false); };
  window.addEventListener("pointerdown", interrupt);
  model.on("remove", () => { clearInterval(playing); window.removeEventListener("pointerdown", interrupt); });

  const showTools = () => {
    for (const [name, node] of switches) node.setAttribute("aria-pressed", String(model[name]));
    for (const [name, node] of tools) node.setAttribute("aria-pressed", String(name === model.tool));
    grey.setAttribute("aria-pressed", String(model.grey && model.selected));
    grey.disabled = !model.selected;
    grey.title = model.selected ? "Grey what is not selected (G)" : "Grey what is not selected (G): nothing is selected";
  };
  const showKeys = () => {
    scale.textContent = SCALES[model.density];
    most.textContent = model.max_per_pixel > 0 ? `${thousands(model.max_per_pixel)} per pixel` : "";
    density.hidden = !(model.max_per_pixel > 0);
    track.hidden = !model.track.n;
    if (playing && model.track.source !== whose) play(false);
    trackTitle.textContent = `Track, ${thousands(model.track.n ?? 0)} observations`;
    first.textContent = model.track.first ?? "";
    last.textContent = model.track.last ?? "";
  };
  const showColour = () => {
    const { label, unit, mean, meaning, ramp, ticks } = model.colour;
    colour.hidden = !label;
    if (colour.hidden) return;
    colour.title = `${label}: ${meaning}. A pixel wears the ${mean} of its detections`;
    colourTitle.textContent = label;
    colourMean.textContent = unit || "mean";
    colourRamp.style.background = `linear-gradient(90deg, ${ramp.join(", ")})`;
    colourEnds.replaceChildren(...ticks.map(([place, words]) => h("span", { style: { left: `${100 * place}%`, transform: `translateX(-${100 * place}%)` } }, words)));
  };
  // a card never outstays the hand: what the server still has to say of where the mouse was is not shown
  let away = false;
  const slot = document.querySelector(".xle-mapslot");
  const leave = () => { away = true; card.hidden = true; }, come = () => { away = false; };
  slot?.addEventListener("pointerleave", leave);
  slot?.addEventListener("pointermove", come, { passive: true });
  model.on("remove", () => { slot?.removeEventListener("pointerleave", leave); slot?.removeEventListener("pointermove", come); });
  const showCard = () => {
    const hover = model.hover;
    card.hidden = !hover?.n || away;
    if (card.hidden) return;
    const colour = (token) => ({ "--c": `var(--c-${token})` });
    const percent = (share) => (share > 0 && share < 0.005 ? "< 1 %" : `${Math.round(100 * share)} %`);
    card.replaceChildren(
      h("div", { class: "t" }, `${thousands(hover.n)} detection${hover.n === 1 ? "" : "s"}`, h("span", {}, `within ${hover.radius} px`)),
      h("div", { class: "mix" }, hover.shares.map(([, token, share]) => h("i", { style: { ...colour(token), flex: String(share) } }))),
      h("dl", {}, hover.shares.flatMap(([name, token, share]) => [h("i", { class: "chip", style: colour(token) }), h("span", {}, name), h("dd", {}, percent(share))])),
      hover.nearest ? h("div", { class: "near" }, h("b", {}, hover.nearest), `nearest, ${Math.round(hover.distance)} px away`) : null);
    // beside the cursor; flips or lifts rather than cover a card, the edge or its own ring
    const room = over.getBoundingClientRect(), low = corner.getBoundingClientRect(), w = card.offsetWidth, tall = card.offsetHeight;
    let left = hover.x + 16, top = hover.y + 14;
    if (left + w > room.width - 8) left = hover.x - 16 - w;
    if (top + tall > room.height - 28) top = hover.y - 14 - tall;
    if (left < low.right - room.left + 10 && top + tall > low.top - room.top - 10) top = Math.min(top, low.top - room.top - tall - 10);
    const tool = bar.getBoundingClientRect();
    if (left < tool.right - room.left + 10 && top < tool.bottom - room.top + 10) top = Math.max(tool.bottom - room.top + 10, hover.y + 14);
    card.style.left = `${Math.max(8, left)}px`;
    card.style.top = `${Math.max(8, top)}px`;
  };
  model.on(["tool", "grey", "selected", "contours", "aspect"], showTools);
  model.on(["density", "max_per_pixel", "track"], showKeys);
  model.on("colour", showColour);
  model.on("hover", showCard);
  play(false); showTools(); showKeys(); showColour(); showCard();
  return over;
}
