// Tooltips as cards: what an element says in its title attribute, 300 ms after the mouse or the keyboard reaches it.
// While the card is up the attribute is put aside, so that the browser shows no second one; afterwards it is back.
(() => {
  const DELAY_MS = 300, GAP = 6, EDGE = 8;
  const card = document.createElement("div");
  card.className = "xle-tooltip";
  card.hidden = true;
  card.setAttribute("aria-hidden", "true");  // the name and description of the element say the same
  let over = null, words = "", timer = 0;
  const watch = new MutationObserver(() => {  // the element's words changed while it is pointed at
    if (!over?.hasAttribute("title")) return;
    words = over.getAttribute("title");
    over.removeAttribute("title");
    watch.takeRecords();
    place();
  });
  const hide = () => {
    clearTimeout(timer);
    watch.disconnect();
    if (over && !card.hidden && !over.hasAttribute("title")) over.setAttribute("title", words);
    card.hidden = true;
    over = null;
  };
  const place = () => {
    card.textContent = words;
    const at = over.getBoundingClientRect();
    const left = Math.min(Math.max(EDGE, at.left + at.width / 2 - card.offsetWidth / 2), window.innerWidth - card.offsetWidth - EDGE);
    const below = at.bottom + GAP + card.offsetHeight < window.innerHeight - EDGE;
    card.style.left = `${Math.round(left)}px`;
    card.style.top = `${Math.round(below ? at.bottom + GAP : at.top - GAP - card.offsetHeight)}px`;
  };
  const show = () => {
    if (!over?.isConnected || !over.getAttribute("title")) return hide();
    if (!card.isConnected) document.body.append(card);
    words = over.getAttribute("title");
    over.removeAttribute("title");
    card.hidden = false;
    place();
    watch.observe(over, { attributes: true, attributeFilter: ["title"] });
  };
  const titled = (event) => event.composedPath().find((node) => node instanceof HTMLElement && (node === over || node.getAttribute("title"))) ?? null;
  const reach = (event) => {
    const node = titled(event);
    if (node === over) return;
    hide();
    over = node;
    if (over) timer = setTimeout(show, DELAY_MS);
  };
  window.addEventListener("pointerover", (event) => { if (event.pointerType !== "touch") reach(event); }, { passive: true });
  window.addEventListener("focusin", (event) => { if (event.composedPath()[0].matches?.(":focus-visible")) reach(event); });
  for (const kind of ["pointerdown", "keydown", "wheel", "focusout", "blur"]) window.addEventListener(kind, hide, { passive: true, capture: true });
  document.documentElement.addEventListener("pointerleave", hide);
})();
