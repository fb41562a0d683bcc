from __future__ import annotations

from pathlib import Path

import pytest
from bokeh.core.templates import MACROS
from bokeh.core.validation.check import check_integrity
from bokeh.document import Document
from bokeh.models import ImportedStyleSheet
from panel.io.state import set_curdoc

from explorer.page import opening
from explorer.page.address import decoded, theme_of
from explorer.page.composition import compose
from explorer.page.template import ExplorerTemplate, Message, tokens_and_fonts
from explorer.services import Services
from vae.errors import AtlasError


def test_argument_comes_before_environment_before_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EXPLORER_ATLAS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert opening.atlas_path([]).is_relative_to(tmp_path / "cache")  # the small demo, not built yet
    for name in ("atlas", "named", "given"):
        (tmp_path / name).mkdir()
    assert opening.atlas_path([]).resolve() == tmp_path / "atlas"
    monkeypatch.setenv("EXPLORER_ATLAS", str(tmp_path / "named"))
    assert opening.atlas_path([]) == tmp_path / "named"
    assert opening.atlas_path([str(tmp_path / "given")]) == tmp_path / "given"


def test_a_named_atlas_must_exist(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match="missing") as caught:
        opening.atlas_path([str(tmp_path / "missing")])
    assert caught.value.todo
    with pytest.raises(AtlasError, match="one atlas"):
        opening.atlas_path(["a", "b"])


def test_a_failed_opening_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.mkdir()
    first = opening.opening(path)
    assert isinstance(first.exception(timeout=60), AtlasError)
    assert opening.opening(path) is not first


@pytest.mark.parametrize(
    ("query", "theme"), [({}, "dark"), ({"theme": [b"light"]}, "light"), ({"theme": [b"\xff<b>"]}, "dark")]
)
def test_theme_of_the_first_paint(query: dict, theme: str) -> None:
    assert theme_of(decoded(query)) == theme


def test_a_message_is_escaped_and_needs_no_server() -> None:
    page = ExplorerTemplate("dark", message=Message("No <atlas>", ("Look in <here>",), error=True))
    resources: dict = {"css": {}, "raw_css": [], "js": {}, "js_modules": {}}
    html = page.template.render(page._render_variables, macros=MACROS, template_resources=resources)
    assert "No &lt;atlas&gt;" in html
    assert "Look in &lt;here&gt;" in html
    assert 'data-theme="dark"' in html
    assert "http-equiv" not in html  # an error waits for a person, not for time


def test_a_page_that_waits_asks_again() -> None:
    page = ExplorerTemplate("light", message=Message("Opening the atlas"))
    assert page._render_variables["xle_refresh"]


def test_nothing_is_fetched_for_the_first_paint() -> None:
    css = tokens_and_fonts()
    assert "http" not in css.replace("http://www.w3.org", "")
    assert css.count("@font-face") == 2
    assert "data:font/woff2;base64," in css


def test_the_models_of_a_page_fit_together(opened: Services) -> None:
    """The server does not look, which takes a tenth of a page's opening (`explorer.page.opening`)."""
    document = Document()
    with set_curdoc(document):
        compose(opened, "dark")._init_doc(document)
    sheets = [model.url for model in document.models if isinstance(model, ImportedStyleSheet)]
    assert len(sheets) >= 3
    assert not [url for url in sheets if "//" in url]  # even before Panel renders the page
    found = check_integrity(list(document.models))
    assert not found.error
    assert not found.warning
