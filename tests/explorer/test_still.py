from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image as Pictures

from explorer.latent_map import LatentMap
from explorer.latent_map.frame import Request, View
from explorer.latent_map.renderer import renderer_of
from explorer.latent_map.still import size_of, still
from explorer.services import Services
from explorer.session import Session


@pytest.mark.parametrize(
    ("said", "size"),
    [
        ("780x828", (780, 828)),
        ("1728x1358", (1728, 1358)),
        ("20x99999", (100, 4096)),  # no browser's, and no reason to draw an image of any size
        ("", (780, 828)),
        ("780", (780, 828)),
        ("-5x10", (780, 828)),
        ("1e9x10", (780, 828)),
        ("٣x٤", (780, 828)),
        ("<b>x2", (780, 828)),
        ("999999999x100", (780, 828)),
    ],
)
def test_size_comes_from_the_last_visit_if_it_makes_sense(said: str, size: tuple[int, int]) -> None:
    assert size_of({"xle-map-size": said, "other": "1x1"}) == size
    assert size_of({}) == (780, 828)


@pytest.mark.parametrize(("theme", "ground"), [("dark", "#05070b"), ("light", "#fcfcfb")])
def test_it_shows_the_frame_over_the_ground(opened: Services, theme: str, ground: str) -> None:
    frame = renderer_of(opened).draw(Request(View(*opened.home), (300, 200), theme=theme))
    head, _, data = still(frame, ground).partition(",")
    assert head == "data:image/jpeg;base64"
    shown = np.asarray(Pictures.open(io.BytesIO(base64.b64decode(data))), dtype=float)
    assert shown.shape == (200, 300, 3)
    rgba = frame.image[::-1].view(np.uint8).reshape(200, 300, 4) / 255.0
    alpha, under = rgba[..., 3:], np.array([int(ground[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    expected = 255 * (rgba[..., :3] * alpha + under * (1 - alpha))
    assert np.abs(shown - expected).mean() < 4  # JPEG
    assert np.corrcoef(shown.ravel(), expected.ravel())[0, 1] > 0.9


def test_a_page_opens_with_the_frame_that_its_browser_will_ask_for(session: Session) -> None:
    latent_map = LatentMap(session)
    everything = latent_map.foresee((300, 200))
    first = latent_map.frame
    assert first is not None
    assert first.image.shape == (200, 300)
    assert session.counts_in_view is not None
    assert session.counts_in_view.sum() > 0.99 * len(session.services)
    latent_map.viewport.look(latent_map.view, (300, 200), seen=1)
    assert latent_map.frame is first  # nothing is drawn twice
    latent_map.viewport.look(latent_map.view, (310, 200), seen=1)
    assert latent_map.frame is not first
    session.toggle_class("AGN")
    assert latent_map.foresee((300, 200)) != everything


def test_nothing_is_foreseen_that_depends_on_the_browser(session: Session) -> None:
    session.equal_aspect = True
    latent_map = LatentMap(session)
    assert latent_map.foresee((300, 200)) is None
    assert latent_map.frame is None


def test_a_map_that_cannot_be_drawn_keeps_no_page_from_opening(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    latent_map = LatentMap(session)

    def fail(_request: Request) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(latent_map._loop, "_draw", fail)
        assert latent_map.foresee((300, 200)) is None
    assert "could not be drawn" in caplog.text
    latent_map.viewport.look(latent_map.view, (300, 200))
    assert latent_map.frame is not None  # the browser asks for the very same, and gets it
