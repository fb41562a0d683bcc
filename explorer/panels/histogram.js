// A histogram in which a range is dragged: grey for all, ink for what passes everything else, a line for the selection.
const SVG = "http://www.w3.org/2000/svg";
const drawn = (tag, attributes = {}, ...children) => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
};
const SMALL = "⁰¹²³⁴⁵⁶⁷⁸⁹", DAY = 86_400_000, MJD_UNIX = 40_587;
const mjdDay = (mjd) => new Date((Math.floor(mjd) - MJD_UNIX) * DAY).toISOString().slice(0, 10);

/** A quantity's scale: fraction of the width (0 to 1) from a value, a round value from a fraction, and words for it. */
function scaleOf({ kind, low, high, turn }) {
  const to = kind === "log" ? Math.log10 : kind === "asinh" ? (x) => Math.asinh(x / turn) : (x) => x;
  const from = kind === "log" ? (p) => 10 ** p : kind === "asinh" ? (p) => turn * Math.sinh(p) : (p) => p;
  const first = to(low), span = to(high) - first;
  const value = (f) => from(first + f * span);
  return {
    place: (x) => Math.min(1, Math.max(0, (to(x) - first) / span)),
    round: (f, width) => {  // to what a pixel can tell, so that nobody reads digits that mean nothing
      const x = value(f);
      if (kind === "date") return Math.round(x);
      const pixel = Math.abs(value(Math.min(1, f + 1 / width)) - value(Math.max(0, f - 1 / width))) / 2;
      const step = 10 ** Math.floor(Math.log10(pixel));
      return Number((Math.round(x / step) * step).toPrecision(6));
    },
    words: (x) => {
      if (kind === "date") return mjdDay(x);
      const size = Math.abs(x);
      if (x !== 0 && (size < 1e-3 || size >= 1e6)) {
        const [mantissa, power] = x.toExponential(2).split("e");
        return `${Number(mantissa)} × 10${power.replace("+", "").replace("-", "⁻").replace(/\d/g, (digit) => SMALL[digit])}`.replace("-", "−");
      }
      return (size >= 1000 ? thousands(Math.round(x)) : String(Number(x.toPrecision(4)))).replace("-", "−");
    },
  };
}

/** Steps over the bins between two fractions, heights as square roots: one in a hundred is a tenth as tall. */
function steps(counts, most, from = 0, to = 1) {
  const n = counts.length;
  let path = "";
  for (let i = Math.floor(from * n); i < Math.min(n, Math.ceil(to * n)); i += 1) {
    const left = Math.max(i, from * n), right = Math.min(i + 1, to * n), top = 1 - Math.sqrt(counts[i] / most);
    if (counts[i] > 0 && right > left) path += `M${left} 1V${top}H${right}V1Z`;
  }
  return path;
}
const outline = (counts, most) => counts.reduce((path, count, i) => `${path}V${1 - Math.sqrt(count / most)}H${i + 1}`, "M0 1") + "V1";

/** The drawing alone, small or large; show({others, selected}, {low, high}) draws. */
function bars(spec, scale) {
  const most = Math.max(1, ...spec.total);
  const [out, inside, selected] = ["out", "in", "sel"].map((name) => drawn("path", { class: name }));
  const all = drawn("path", { class: "all", d: steps(spec.total, most) });
  const node = drawn("svg", { class: "bars", viewBox: `0 0 ${spec.total.length} 1`, preserveAspectRatio: "none", "aria-hidden": true }, all, out, inside, selected);
  return { node, show: (counts, range) => {
    const a = range?.low == null ? 0 : scale.place(range.low), b = range?.high == null ? 1 : scale.place(range.high);
    const others = counts?.others ?? [];
    out.setAttribute("d", range ? steps(others, most) : "");
    inside.setAttribute("d", a <= b ? steps(others, most, a, b) : steps(others, most, 0, b) + steps(others, most, a, 1));
    selected.setAttribute("d", counts?.selected ? outline(counts.selected, most) : "");
  } };
}

/** The large one with handles. `changed(range, last)` hears of every move; the last one of a drag says so. */
function brush(spec, scale, changed) {
  const picture = bars(spec, scale), range = { low: null, high: null };
  let counts = null, drag = null;
  const handle = (end, what) => h("button", { class: `handle ${end}`, role: "slider", "aria-label": `${spec.label}: ${what}`, "aria-orientation": "horizontal", "aria-valuemin": spec.low, "aria-valuemax": spec.high, "data-end": end, onkeydown: (event) => press(event, end) }, h("i"));
  const handles = { low: handle("low", "from"), high: handle("high", "to") };
  const band = h("div", { class: "band" });
  const plot = h("div", { class: "plot" }, picture.node, band, handles.low, handles.high);
  const ticks = h("div", { class: "ticks", "aria-hidden": true }, spec.ticks.map(([place, words]) => h("span", { style: { left: `${100 * place}%` } }, words)));
  const at = (end) => range[end] === null ? (end === "low" ? 0 : 1) : scale.place(range[end]);
  const limit = (f) => (f <= 0.001 || f >= 0.999 ? null : scale.round(f, plot.clientWidth || 300));
  const set = (end, f) => {
    const other = end === "low" ? "high" : "low";
    if (!spec.wraps) f = end === "low" ? Math.min(f, at(other)) : Math.max(f, at(other));
    range[end] = limit(Math.min(1, Math.max(0, f)));
    if (range.low !== null && range.high !== null && range.low > range.high && !spec.wraps) range[end] = range[other];
  };
  const draw = () => {
    picture.show(counts, range.low === null && range.high === null ? null : range);
    for (const [end, node] of Object.entries(handles)) {
      node.style.left = `${100 * at(end)}%`;
      node.setAttribute("aria-valuenow", String(range[end] ?? (end === "low" ? spec.low : spec.high)));
      node.setAttribute("aria-valuetext", range[end] === null ? "no limit" : `${scale.words(range[end])} ${spec.unit}`.trim());
    }
    const a = at("low"), b = at("high");
    band.hidden = a > b;
    band.style.left = `${100 * a}%`;
    band.style.width = `${100 * Math.max(0, b - a)}%`;
  };
  const fraction = (event) => { const box = plot.getBoundingClientRect(); return (event.clientX - box.left) / box.width; };
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const f = fraction(event), end = event.target.closest?.(".handle")?.dataset.end;
    const within = range.low !== null || range.high !== null ? f > at("low") && f < at("high") : false;
    drag = { end, start: f, low: at("low"), high: at("high"), kind: end ? "handle" : within ? "move" : "new", moved: false };
    plot.setPointerCapture(event.pointerId);
    if (end) handles[end].focus({ preventScroll: true });
    event.preventDefault();
  });
  plot.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const f = Math.min(1, Math.max(0, fraction(event)));
    if (!drag.moved && Math.abs(f - drag.start) * plot.clientWidth < 2) return;
    drag.moved = true;
    if (drag.kind === "handle") set(drag.end, f);
    else if (drag.kind === "new") { range.low = limit(Math.min(f, drag.start)); range.high = limit(Math.max(f, drag.start)); }
    else {
      const shift = Math.min(1 - drag.high, Math.max(-drag.low, f - drag.start));
      range.low = limit(drag.low + shift); range.high = limit(drag.high + shift);
    }
    draw();
    changed(range, false);
  });
  const release = () => { const moved = drag?.moved; drag = null; if (moved) changed(range, true); };
  plot.addEventListener("pointerup", release);
  plot.addEventListener("pointercancel", release);
  const STEPS = { ArrowLeft: -1 / 128, ArrowDown: -1 / 128, ArrowRight: 1 / 128, ArrowUp: 1 / 128, PageDown: -1 / 16, PageUp: 1 / 16 };
  const exact = {};  // where a handle stands before its value is rounded: steps do not drift
  const press = (event, end) => {
    const step = STEPS[event.key];
    if (step) {
      const from = exact[end] !== undefined && limit(exact[end]) === range[end] ? exact[end] : at(end);
      exact[end] = from + step * (event.shiftKey ? 4 : 1);
      set(end, exact[end]);
    }
    else if (event.key === "Home") set(end, 0);
    else if (event.key === "End") set(end, 1);
    else return;
    event.preventDefault();
    draw();
    changed(range, true);
  };
  return { node: h("div", { class: "brush" }, plot, ticks), draw, busy: () => drag !== null,
    show: (fresh, limits) => { counts = fresh; if (limits) { range.low = limits.low ?? null; range.high = limits.high ?? null; } draw(); } };
}
