// Shared by the inspector's parts, after elements.js.
const SVG = "http://www.w3.org/2000/svg";

/** An SVG element; strings become text nodes. */
function s(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Replace what a part shows; whatever had the keyboard keeps it (elements are known by data-key), an open menu stays. */
function swap(root, ...children) {
  const held = root.getRootNode().activeElement?.dataset?.key;
  root.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  if (held) root.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  for (const menu of root.querySelectorAll("[popover][data-open]")) if (!menu.matches(":popover-open")) menu.showPopover();
}

/** Colour along the time ramp, 0 first to 1 last; follows the theme. */
function timeColour(at) {
  const place = Math.min(0.9999, Math.max(0, at)) * 4, step = Math.floor(place);
  return `color-mix(in srgb, var(--time-${step + 1}) ${((place - step) * 100).toFixed(1)}%, var(--time-${step}))`;
}

/** Chip and name of a class. */
const classPill = (token, name) => h("span", { class: "cls", style: { "--c": `var(${token})` } }, h("i", { class: "chip" }), name);
const classChip = (token, name) => h("i", { class: "chip", title: name, style: { "--c": `var(${token})` } });

/** What went wrong, where, and what to do; one button. */
function errorBox(error, retry) {
  return h("div", { class: "state", role: "alert" },
    h("div", { class: "box" }, h("b", {}, error.title),
      h("span", { class: "sub" }, error.where ? `${error.where}: ${error.what}` : error.what),
      error.todo ? h("span", { class: "sub" }, error.todo) : null),
    h("button", { class: "btn", "data-key": "retry", onclick: retry }, "Try again"));
}

/** Call draw(width, height) now and whenever the element's size changes. */
function onSize(element, draw) {
  const observer = new ResizeObserver(() => { if (element.clientWidth && element.clientHeight) draw(element.clientWidth, element.clientHeight); });
  observer.observe(element);
  return observer;
}

const rateText = (value) => Number(value.toPrecision(2)).toString();

function axisTicks(low, high, log) {
  const ticks = [];
  if (log) {
    const wide = Math.log10(high / low) > 1.3;
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
      for (const mantissa of wide ? [1] : [1, 2, 5]) { const value = mantissa * 10 ** power; if (value >= low && value <= high) ticks.push(value); }
    return ticks;
  }
  const rough = (high - low) / 2.2, unit = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].map((m) => m * unit).find((v) => v >= rough * 0.999);
  for (let value = Math.ceil(low / step) * step; value <= high * 1.0001; value += step) ticks.push(Number(value.toPrecision(6)));
  return ticks;
}

/**
 * Count rate against time. `curve.points`: {row, year, rate, lo, hi, t, current, label}; `curve.first`, `curve.last`: dates.
 * Click a mark to pick that observation.
 */
function lightCurve(curve, pick) {
  const holder = h("div", { class: "curve" });
  const draw = (W, H) => {
    const points = curve.points, small = H < 90, fs = parseFloat(getComputedStyle(holder).getPropertyValue("--fs-micro")) || 10.5;
    const L = 34, R = 10, T = 8, B = fs + 9;
    const lows = points.map((p) => p.lo), highs = points.map((p) => p.hi), rates = points.map((p) => p.rate);
    const log = Math.min(...lows) > 0 && Math.max(...rates) > 3 * Math.min(...rates);
    let low = Math.min(...lows), high = Math.max(...highs);
    if (log) { low /= 1.25; high *= 1.25; if (high / low < 12 && Math.floor(Math.log10(high)) === Math.floor(Math.log10(low))) low = Math.min(low, 10 ** Math.floor(Math.log10(high)) * 0.99); }
    else { const pad = (high - low) * 0.12 || high * 0.1 || 1; low = Math.min(...lows) >= 0 ? Math.max(0, low - pad) : low - pad; high += pad; }
    const years = points.map((p) => p.year), first = Math.min(...years), last = Math.max(...years), span = last - first;
    const x0 = span > 0 ? first - span * 0.02 : first - 0.5, x1 = span > 0 ? last + span * 0.02 : last + 0.5;
    const X = (year) => L + 8 + ((year - x0) / (x1 - x0)) * (W - L - R - 16);
    const Y = (value) => T + (1 - (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low))) * (H - T - B);
    const text = (x, y, label, anchor = "middle") => s("text", { x, y, "font-size": fs, fill: "var(--text-3)", "text-anchor": anchor }, label);
    const parts = [];
    let ticks = axisTicks(low, high, log);
    if (small && ticks.length > 3) ticks = [ticks[0], ticks[ticks.length >> 1], ticks[ticks.length - 1]];
    ticks = ticks.reduce((kept, value) => (kept.length && Math.abs(Y(value) - Y(kept.at(-1))) < 1.25 * fs ? kept : [...kept, value]), []);
    for (const value of ticks) parts.push(s("path", { d: `M${L} ${Y(value)}H${W}`, stroke: "var(--plot-grid)" }), text(L - 7, Y(value) + fs * 0.35, rateText(value), "end"));
    if (span >= 2) {
      const step = [1, 2, 3, 5, 10].find((size) => span / size <= (W > 300 ? 6 : 4)) ?? 10;
      for (let year = Math.ceil(x0 / step) * step; year <= x1; year += step) parts.push(text(X(year), H - 3, String(year)));
    } else if (span > 0) parts.push(text(X(first), H - 3, curve.first, "start"), text(X(last), H - 3, curve.last, "end"));
    else parts.push(text(X(first), H - 3, curve.first));
    parts.push(s("path", { d: points.map((p, i) => `${i ? "L" : "M"}${X(p.year).toFixed(1)} ${Y(p.rate).toFixed(1)}`).join(""), fill: "none", stroke: "var(--line-strong)" }));
    for (const p of points) {
      const x = X(p.year), y = Y(p.rate), colour = timeColour(p.t);
      parts.push(s("g", { class: "mark", onclick: () => pick(p.row) }, s("title", {}, p.label),
        s("circle", { cx: x, cy: y, r: 9, fill: "transparent" }),
        s("path", { d: `M${x} ${Y(Math.max(p.lo, low))}V${Y(p.hi)}`, style: `stroke:${colour}`, "stroke-width": 1.25 }),
        s("circle", { cx: x, cy: y, r: small ? 3.2 : 4, style: `fill:${colour}` }),
        p.current ? s("circle", { cx: x, cy: y, r: small ? 6 : 7, fill: "none", stroke: "var(--mark)", "stroke-width": 1.5 }) : null));
    }
    holder.replaceChildren(s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "Count rate against time" }, parts));
  };
  onSize(holder, draw);
  return holder;
}
