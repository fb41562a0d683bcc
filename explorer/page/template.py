"""Our own Panel template: one Jinja page that carries the design tokens, the style and the font with it."""

from __future__ import annotations

import base64
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final

from bokeh.document import Document
from panel.io.resources import LOCAL_DIST, patch_stylesheet
from panel.io.state import state
from panel.template.base import BasicTemplate
from panel.theme import Design
from panel.viewable import Viewable

from explorer.palette import Theme
from explorer.session import TABS
from vae.resources import asset

TITLE: Final = "XMM latent explorer"
#: Of both our themes: Panel's dark one brings a theme of Bokeh's that hides the axes of figures, and stays when ours is
#: changed in the page. It is given, so that Panel never reads ?theme= itself.
PANEL_THEME: Final = "default"
#: Inter (OFL-1.1), the subsets that the page uses: file and characters.
_FONTS: Final = {
    "inter-latin-wght-normal.woff2": (
        "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+2000-206F,U+20AC,U+2122,U+2191,U+2193,"
        "U+2212,U+2215,U+FEFF,U+FFFD"
    ),
    "inter-greek-wght-normal.woff2": "U+0370-0377,U+037A-037F,U+0384-038A,U+038C,U+038E-03A1,U+03A3-03FF",
}
_ICON: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22" fill="none">
<rect width="22" height="22" rx="5" fill="#0f1319"/><circle cx="9.400" cy="11.800" r="2" fill="#5fe3c8"/>
<path d="M3 16.500C4.200 8.500 8 4.500 12 4.500s6.500 3 7 8" stroke="#e9edf3" stroke-width="1.600"/>
</svg>"""


@dataclass(frozen=True)
class Message:
    """What a page says that has no map to show.

    Parameters
    ----------
    title : str
        One line.
    lines : tuple of str
        What, where, what to do.
    error : bool
        Whether something failed; otherwise the page waits for something and asks again.
    """

    title: str
    lines: tuple[str, ...] = ()
    error: bool = False


class ExplorerTemplate(BasicTemplate):
    """The page: header, rail, map, inspector and status line; or a `Message` in the same frame.

    Parameters
    ----------
    theme_name : {"dark", "light"}
        Theme of the first paint; the header's button changes it in the page.
    slots : dict of Viewable
        Views by the name of their slot: header, legend, controls, map, overlay, guide, tabs, status, help and
        one for each
        tab of the inspector.
    message : Message, optional
        Shown instead of the slots.
    archive, count, origin : str
        Words of the header's pill, and its tooltip.
    simulated : bool
        Whether the pill wears the colour of simulations.
    still : str, optional
        Data URI of the map's first image, to look at until the live one comes.
    """

    _template: ClassVar[Path] = Path(__file__).with_name("page.html")

    def __init__(
        self,
        theme_name: Theme,
        slots: dict[str, Viewable] | None = None,
        *,
        message: Message | None = None,
        archive: str = "",
        count: str = "",
        origin: str = "",
        simulated: bool = False,
        still: str | None = None,
        **params: Any,
    ) -> None:
        super().__init__(
            title=TITLE,
            theme=PANEL_THEME,
            design=Design,
            busy_indicator=None,
            notifications=None,
            **params,
        )
        for name, view in (slots or {}).items():
            self._render_items[name] = (view, [])
        self._render_variables.update(
            html_attrs=f'data-theme="{theme_name}" data-tab="{TABS[0]}"',
            xle_theme=theme_name,
            xle_css=tokens_and_fonts(),
            xle_page_css=asset("css", "page.css").read_text(encoding="utf-8"),
            xle_tooltips=Path(__file__).with_name("tooltips.js").read_text(encoding="utf-8"),
            xle_icon="data:image/svg+xml;base64," + base64.b64encode(_ICON.encode()).decode(),
            xle_tabs=TABS,
            xle_message=message,
            xle_refresh=1 if message is not None and not message.error else None,
            xle_archive=archive,
            xle_count=count,
            xle_origin=origin,
            xle_simulated=simulated,
            xle_still=still,
        )

    def _init_doc(self, doc: Document | None = None, *arguments: Any, **options: Any) -> Document:
        """Add all slots, and only then see which models that makes: Bokeh would look at all of them for each slot."""
        document = doc or state.curdoc
        with document.models.freeze() if document else nullcontext():
            document = super()._init_doc(doc, *arguments, **options)
        self._serve_styles(document)
        return document

    @staticmethod
    def _serve_styles(document: Document) -> None:
        """Have Panel's style sheets come from this server.

        Panel writes addresses of a server in the internet, and corrects them when it renders a page. A page that comes
        back after its session has ended, or that was slow to come, gets a session that nobody renders.
        """
        ours = f"{state.rel_path}/{LOCAL_DIST}" if state.rel_path else LOCAL_DIST
        document._template_variables["dist_url"] = ours  # for what is added later
        for sheet in state._stylesheets.get(document, {}).values():
            patch_stylesheet(sheet, ours)


@cache
def tokens_and_fonts() -> str:
    """Design tokens, page ground and Inter as data URIs, so that the first paint is right and nothing is fetched."""
    faces = []
    for name, characters in _FONTS.items():
        font = base64.b64encode(asset("fonts", name).read_bytes()).decode()
        faces.append(
            "@font-face { font-family: 'Inter Variable'; font-style: normal; font-weight: 100 900; "
            f"font-display: block; src: url(data:font/woff2;base64,{font}) format('woff2'); "
            f"unicode-range: {characters}; }}"
        )
    tokens = asset("css", "tokens.css").read_text(encoding="utf-8")
    return "\n".join([tokens, "html { background: var(--bg); }", *faces])
