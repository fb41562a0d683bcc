// In scope of every component: icons (16 px, 1.5 px stroke) and a way to make elements. Text from data only ever becomes text nodes.
const ICONS = {
  flask: '<path d="M6 2h4M6.5 2v4L3 12.4c-.4.8.1 1.6 1 1.6h8c.9 0 1.400-.8 1-1.600L9.500 6V2M4.600 10h6.800"/>',
  link: '<path d="M6.500 9.500a2.800 2.800 0 0 0 4 0l2.300-2.300a2.800 2.800 0 0 0-4-4L8 4M9.500 6.500a2.800 2.800 0 0 0-4 0L3.200 8.800a2.800 2.800 0 0 0 4 4L8 12"/>',
  search: '<circle cx="7" cy="7" r="4.5"/><path d="M10.500 10.500 14 14"/>',
  sun: '<circle cx="8" cy="8" r="2.700"/><path d="M8 1.800v1.400M8 12.800v1.400M1.800 8h1.400M12.800 8h1.400M3.600 3.600l1 1M11.400 11.400l1 1M3.600 12.400l1-1M11.400 4.600l1-1"/>',
  moon: '<path d="M13.200 9.600A5.600 5.600 0 0 1 6.400 2.800a5.600 5.600 0 1 0 6.800 6.800Z"/>',
  help: '<circle cx="8" cy="8" r="6"/><path d="M6.300 6.200c.2-1 .9-1.500 1.800-1.500 1 0 1.700.6 1.700 1.500 0 1.400-1.800 1.400-1.800 2.800M8 11.300v.1"/>',
  eye: '<path d="M1.500 8S4 3.800 8 3.800 14.500 8 14.500 8 12 12.200 8 12.200 1.500 8 1.500 8Z"/><circle cx="8" cy="8" r="1.800"/>',
  "eye-off": '<path d="M3.800 5A10 10 0 0 0 1.500 8S4 12.200 8 12.200c1 0 1.900-.3 2.700-.7M6.300 4c.5-.1 1.100-.2 1.700-.2 4 0 6.500 4.200 6.500 4.200a10 10 0 0 1-1.800 2.200M2.500 2.500l11 11"/>',
  down: '<path d="m4 6 4 4 4-4"/>', up: '<path d="m4 10 4-4 4 4"/>', left: '<path d="m10 4-4 4 4 4"/>', right: '<path d="m6 4 4 4-4 4"/>',
  close: '<path d="m4.500 4.500 7 7m0-7-7 7"/>', plus: '<path d="M8 3.500v9M3.500 8h9"/>', minus: '<path d="M3.500 8h9"/>',
  pan: '<path d="M8 1.800v12.400M1.800 8h12.400M6.300 3.500 8 1.800l1.700 1.700M6.300 12.500 8 14.200l1.700-1.700M3.500 6.300 1.800 8l1.700 1.700M12.500 6.300 14.200 8l-1.700 1.700"/>',
  lasso: '<ellipse cx="8.300" cy="6.200" rx="5.700" ry="3.900"/><path d="M4.300 9c-1 .5-1.300 1.600-.5 2.200.9.700 2.200-.1 1.700-1.200M4.300 11.400c.3 1.300-.2 2-1.300 2.600"/>',
  box: '<rect x="2.500" y="3" width="11" height="10" rx="1" stroke-dasharray="2.200 1.700"/>',
  disc: '<circle cx="8" cy="8" r="5.700" stroke-dasharray="2.200 1.700"/><circle cx="8" cy="8" r="1" fill="currentColor" stroke="none"/>',
  contours: '<path d="M8 2.200c3.400 0 6 2 6 5.200s-2.300 6.400-5.800 6.400S2 11.600 2 8.300 4.600 2.200 8 2.200Z"/><path d="M8.200 5.600c1.700 0 2.900.9 2.900 2.300s-1.200 2.600-2.800 2.600-3-.9-3-2.400 1.200-2.500 2.900-2.500Z"/>',
  equal: '<path d="M2.800 5.200 4.500 4v8M11 5.200 12.700 4v8M8 6.300v.1M8 9.900v.1"/>',
  home: '<path d="M2.500 6V3.500c0-.6.400-1 1-1H6M10 2.500h2.500c.6 0 1 .4 1 1V6M13.500 10v2.500c0 .6-.4 1-1 1H10M6 13.500H3.500c-.6 0-1-.4-1-1V10"/>',
  half: '<circle cx="8" cy="8" r="5.500"/><path d="M8 2.500v11M8 4.500l4 0M8 7h5.300M8 9.500h5M8 12h3"/>',
  copy: '<rect x="5.500" y="5.500" width="8" height="8" rx="1.500"/><path d="M10.500 5.500v-2c0-.6-.4-1-1-1h-6c-.6 0-1 .4-1 1v6c0 .6.400 1 1 1h2"/>',
  play: '<path d="M5 3.200v9.600l7.500-4.800Z" fill="currentColor"/>', pause: '<path d="M5.500 3.500v9M10.500 3.500v9"/>',
  undo: '<path d="M3 6.500h6.500a3.500 3.500 0 0 1 0 7H6M5.500 3.800 2.800 6.500l2.700 2.700"/>', redo: '<path d="M13 6.500H6.500a3.500 3.500 0 0 0 0 7H10M10.500 3.800l2.700 2.700-2.700 2.700"/>',
  check: '<path d="m3.500 8.500 3 3 6-7"/>', download: '<path d="M8 2.500v8M5 7.700l3 3 3-3M2.500 10.500v2c0 .6.400 1 1 1h9c.6 0 1-.4 1-1v-2"/>',
  upload: '<path d="M8 10.500v-8M5 5.300l3-3 3 3M2.500 10.500v2c0 .6.400 1 1 1h9c.6 0 1-.4 1-1v-2"/>',
};
const WIDE_ICONS = {  // 20 x 14: the four ways to combine selections
  replace: '<circle cx="10" cy="7" r="5" fill="currentColor"/>',
  add: '<circle cx="7" cy="7" r="5" fill="currentColor"/><circle cx="13" cy="7" r="5" fill="currentColor"/>',
  subtract: '<path d="M10 3a5 5 0 1 0 0 8 5 5 0 0 1 0-8Z" fill="currentColor"/><circle cx="13" cy="7" r="5"/>',
  intersect: '<circle cx="7" cy="7" r="5"/><circle cx="13" cy="7" r="5"/><path d="M10 3a5 5 0 0 1 0 8 5 5 0 0 1 0-8Z" fill="currentColor"/>',
};

/** An icon as an <svg class="i">. */
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("viewBox", name in WIDE_ICONS ? "0 0 20 14" : "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = WIDE_ICONS[name] ?? ICONS[name];  // constants of this file, never data
  return svg;
}

/** h("button", {class: "btn", title: "Copy (C)", "aria-pressed": true, onclick: copy}, icon("copy"), "Copy"). Null children are left out. */
function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, setting] of Object.entries(value)) node.style.setProperty(key, setting);
    else if (name.startsWith("aria-")) node.setAttribute(name, String(value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  if (tag === "button" && !node.hasAttribute("type")) node.type = "button";
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** 1234567 as "1,234,567". */
const GROUPED = new Intl.NumberFormat("en-US");
const thousands = (number) => GROUPED.format(Number(number));
/** A number with a fixed number of decimals and a true minus. */
const decimals = (number, places = 2) => Number(number).toFixed(places).replace("-", "−");
