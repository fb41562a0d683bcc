"""Figures for papers: the files are what they say, and what they draw is what the page shows."""

from __future__ import annotations

import dataclasses
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from PIL import Image

from explorer.components.saving import Saver
from explorer.figures.selection import fractions, selection_picture
from explorer.figures.sheet import Picture, Wish, drawn, origin, saved, stem
from explorer.filters.filters import Range
from explorer.filters.histograms import histogram
from explorer.latent_map import scene as scenes
from explorer.latent_map.frame import Request, View
from explorer.latent_map.paper import flattened, map_picture
from explorer.panels.neighbours import NeighboursPanel
from explorer.panels.spectrum import SpectrumPanel
from explorer.panels.trajectory import TrajectoryPanel
from explorer.selection.summary import makeup
from explorer.services import Services
from explorer.session import Session

WHEN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def spectrum(session: Session, opened: Services) -> SpectrumPanel:
    panel = SpectrumPanel(session)
    session.pick(int(np.argmax(opened.atlas.catalogue["net_counts"].to_numpy())))
    return panel


def often_observed(opened: Services) -> int:
    """A row of the source with most observations."""
    source = opened.atlas.catalogue["source_id"]
    return int(np.flatnonzero((source == source.value_counts().idxmax()).to_numpy())[0])


def of(picture: Picture | None) -> Picture:
    assert picture is not None
    return dataclasses.replace(picture, origin=dataclasses.replace(picture.origin, when=WHEN))


def axes_of(figure: Figure, label: str) -> Any:
    return next(axes for axes in figure.axes if axes.get_label() == label)


def line(axes: Any, gid: str) -> Any:
    return next(line for line in axes.lines if line.get_gid() == gid)


def texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


@pytest.mark.parametrize(("column", "mm"), [("one", 88), ("two", 180)])
def test_png_is_as_wide_as_a_column_at_300_dots_an_inch(spectrum: SpectrumPanel, column: Any, mm: float) -> None:
    image = Image.open(io.BytesIO(saved(of(spectrum.picture()), Wish("png", column))))
    assert image.width == pytest.approx(mm / 25.4 * 300, abs=1)
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert "simulated archive" in image.info["Description"].lower()
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_svg_is_drawn_in_paths_and_says_where_it_comes_from(spectrum: SpectrumPanel) -> None:
    text = saved(of(spectrum.picture()), Wish("svg")).decode("utf-8")
    root = ET.fromstring(text)
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(88 / 25.4 * 72, abs=0.3)
    name = spectrum.readout.content["name"]
    title = next(root.iter("{http://purl.org/dc/elements/1.1/}title"))
    (description,) = root.iter("{http://purl.org/dc/elements/1.1/}description")
    assert title.text is not None
    assert description.text is not None
    assert title.text.startswith(name)
    for part in ("imulated archive", "OBS_ID", "model ", "2026-", "XMM latent explorer", "S/N ≥ 3"):
        assert part in description.text
    ids = {node.attrib.get("id") for node in root.iter()}
    assert {"band", "model", "counts", "residuals"} <= ids
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))  # the same letters on any machine
    assert "<script" not in text


def test_pdf_carries_its_fonts_as_journals_want_them(spectrum: SpectrumPanel) -> None:
    content = saved(of(spectrum.picture()), Wish("pdf"))
    assert content.startswith(b"%PDF-1.")
    assert b"/FontFile2" in content
    assert b"InterFigure" in content
    assert b"/Type3" not in content


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_same_state_gives_the_same_bytes(spectrum: SpectrumPanel, form: Any) -> None:
    first, second = (saved(of(spectrum.picture()), Wish(form)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("mode", ["counts", "unfolded"])
def test_spectrum_is_drawn_value_for_value(spectrum: SpectrumPanel, mode: str) -> None:
    spectrum.readout.mode = mode
    plot = spectrum.plot
    with drawn(of(spectrum.picture()), Wish()) as figure:
        main, residuals = axes_of(figure, "spectrum"), axes_of(figure, "residuals")
        np.testing.assert_array_equal(line(main, "model").get_ydata(), plot.steps.data["model"])
        np.testing.assert_array_equal(line(main, "counts").get_xdata(), plot.data.data["mid"])
        np.testing.assert_array_equal(line(main, "counts").get_ydata(), plot.data.data["y"])
        np.testing.assert_array_equal(line(residuals, "residuals").get_ydata(), plot.data.data["residual_shown"])
        assert main.get_ylim() == pytest.approx((plot.main.y_range.start, plot.main.y_range.end))
        assert main.get_ylabel() == plot.main.yaxis.axis_label
        said = texts(figure)
        for _, words in spectrum.key.content["lines"]:
            assert words in said
        assert ("unfolded, not deconvolved" in said) == (mode == "unfolded")
        assert "Energy, keV" in said


def test_decoded_position_has_no_counts(spectrum: SpectrumPanel, session: Session) -> None:
    session.decode(0.1, 0.2)
    picture = of(spectrum.picture())
    assert picture.file_name(Wish("svg")) == "decoded-at--0.10--0.20--decoded.svg"
    with drawn(picture, Wish()) as figure:
        assert [axes.get_label() for axes in figure.axes] == ["spectrum"]
        assert "No detection" in texts(figure)


def test_templates_are_drawn_as_they_are_listed(spectrum: SpectrumPanel) -> None:
    spectrum.readout.mode = "templates"
    rows = spectrum.templates.content["rows"]
    with drawn(of(spectrum.picture()), Wish()) as figure:
        for number, row in enumerate(rows, start=1):
            curve = axes_of(figure, f"template {number}").lines[-1]
            np.testing.assert_allclose(curve.get_ydata(), row["curve"])
            assert row["weight"] in texts(figure)


def test_trajectory_shows_every_observation(session: Session, opened: Services) -> None:
    panel = TrajectoryPanel(session)
    session.tab = "trajectory"
    session.pick(often_observed(opened))
    rows = session.observations()
    with drawn(of(panel.picture()), Wish(column="two")) as figure:
        plane = axes_of(figure, "latent plane")
        marks = np.array([one.get_xydata()[0] for one in plane.lines if one.get_gid() == "observation"])
        np.testing.assert_allclose(marks, opened.atlas.latents[rows, :2], rtol=1e-6)
        (points,) = (one for one in axes_of(figure, "Counts/s").collections if isinstance(one, PathCollection))
        catalogue = opened.atlas.catalogue
        rate = (catalogue["net_counts"] / catalogue["exposure_s"]).to_numpy()[rows]
        np.testing.assert_allclose(np.asarray(points.get_offsets())[:, 1], rate, rtol=1e-5)


def test_similar_spectra_are_those_of_the_list(session: Session, opened: Services) -> None:
    panel = NeighboursPanel(session)
    session.tab = "similar"
    session.pick(3)
    with drawn(of(panel.picture()), Wish()) as figure:
        for item, heights in zip(panel.list.content["items"], panel.list.sparks, strict=True):
            (curve,) = axes_of(figure, item["name"]).lines
            np.testing.assert_array_equal(curve.get_ydata(), heights)
            assert item["short_name"] in texts(figure)


def test_selection_shows_its_classes_and_fractions(opened: Services) -> None:
    mask = opened.x > np.median(opened.x)
    with drawn(of(selection_picture(opened, mask, "box")), Wish()) as figure:
        classes = axes_of(figure, "classes")
        for entry in makeup(opened, mask):
            (bar,) = (patch for patch in classes.patches if patch.get_gid() == f"class {entry['name']}")
            assert bar.get_width() == pytest.approx(entry["share"])
        bins = histogram(opened.atlas, "net_counts")
        (steps,) = (one for one in axes_of(figure, "net_counts").patches if one.get_gid() == "selected")
        np.testing.assert_allclose(steps.get_data().values, fractions(bins, mask))
        assert fractions(bins, mask).sum() == pytest.approx(1)


def map_figure(session: Session, scene: scenes.Scene | None = None, **request: Any) -> Picture:
    view = View(*session.services.home)
    asked = Request(view, (300, 240), session.hidden_classes, passing=session.passing, **request)
    return of(map_picture(session, asked, scene or scenes.Scene()))


def test_map_has_a_pixel_for_each_dot_and_its_marks_in_place(session: Session, opened: Services) -> None:
    row = often_observed(opened)
    x, y = (float(value) for value in opened.atlas.latents[row, :2])
    name = "J000000.0+000000"
    picked = scenes.Picked(x, y, sigma_x=0.1, sigma_y=0.2, name=name, place="", class_name="AGN", class_code=0)
    outline = np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0])
    scene = scenes.Scene(picked=picked, outline=outline, selected=7)
    with drawn(map_figure(session, scene, contours=True), Wish()) as figure:
        axes = axes_of(figure, "map")
        box = axes.get_window_extent()
        height, width, _ = axes.images[0].get_array().shape
        assert (width, height) == (round(box.width), round(box.height))
        assert line(axes, "picked").get_xydata()[0] == pytest.approx((x, y))
        sigma = sorted((one.width, one.height) for one in axes.patches if one.get_gid() == "sigma")
        np.testing.assert_allclose(sigma, [(0.2, 0.4), (0.4, 0.8)])
        np.testing.assert_array_equal(line(axes, "outline").get_xdata(), [0.0, 1.0, 1.0, 0.0])
        assert any(one.get_gid() == "contour" for one in axes.lines)
        assert "Lines hold 90, 60, 30 % of what is shown" in texts(figure).replace("\n", " ")
        said = texts(figure)
        for words in ("Latent μ₁", "Latent μ₂", "J000000.0+000000", "7 selected", "1 and 2 σ", "Density, equalised"):
            assert words in said


def test_map_counts_what_is_shown_and_names_what_is_not(session: Session, opened: Services) -> None:
    session.set_filter(Range("net_counts", low=float(np.median(opened.atlas.catalogue["net_counts"]))))
    session.toggle_class("Star")
    picture = map_figure(session)
    assert f"{session.shown:,} of {len(opened):,} detections shown" in picture.origin.words
    assert session.filters[0].words in picture.origin.words
    assert "without Star" in picture.origin.words
    with drawn(picture, Wish(column="two")) as figure:
        said = [text.get_text() for text in figure.texts]
        assert "AGN" in said
        assert "Star" not in said
        inside = (np.abs(opened.x) < np.inf) & session.passing & (opened.class_codes == 0)
        x0, x1, y0, y1 = opened.home
        inside &= (opened.x >= x0) & (opened.x <= x1) & (opened.y >= y0) & (opened.y <= y1)
        assert f"{int(inside.sum()):,}" in said[said.index("AGN") + 1]


def test_map_by_a_quantity_has_its_scale_and_no_classes(session: Session) -> None:
    session.colour_by = "hr2"
    with drawn(map_figure(session, colour_by="hr2"), Wish()) as figure:
        said = texts(figure)
        assert "Mean Hardness 2" in said
        assert "Neutron star" not in said


def test_image_is_laid_on_its_ground() -> None:
    half_red = np.array([[0x80_00_00_FF, 0x00_00_00_00]], np.uint32)  # little-endian RGBA
    np.testing.assert_array_equal(flattened(half_red, "#0000ff")[0], [[128, 0, 127], [0, 0, 255]])


def test_names_of_files_are_plain() -> None:
    assert stem("XMMSIM J192719.5+653354", "spectrum") == "xmmsim-J192719.5+653354-spectrum"
    nasty = Picture('../../etc/<b>"$x\u0000', origin_of("x"), lambda _: 10.0, lambda _: None)
    assert re.fullmatch(r"[\w.+-]+\.pdf", nasty.file_name(Wish("pdf")))
    assert "/" not in nasty.file_name(Wish("pdf"))


def origin_of(title: str) -> Any:
    from explorer.figures.sheet import Origin

    return Origin(title, (title,), WHEN)


def test_names_from_data_are_text_only() -> None:
    """A dollar begins no formula, and markup is letters."""
    name = r"$\frac{$ <script>alert(1)</script>"
    picture = Picture("x", origin_of(name), lambda _: 12.0, lambda sheet: sheet.text(2, 2, name))
    text = saved(picture, Wish("svg")).decode()
    assert "<script" not in text
    ET.fromstring(text)


def test_dark_figures_are_dark(spectrum: SpectrumPanel) -> None:
    image = Image.open(io.BytesIO(saved(of(spectrum.picture()), Wish("png", theme="dark"))))
    assert max(image.convert("RGB").getpixel((0, 0))) < 40


def test_origin_tells_simulated_from_real(opened: Services) -> None:
    assert origin(opened.atlas, "t").words.startswith("Simulated archive")


class Listener:
    """Stands for a component: keeps what it would send."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def _send_msg(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


def ask(pictures: dict[str, Callable[[], Picture | None]], opened: Services, **message: Any) -> dict[str, Any]:
    listener: Any = Listener()
    Saver(opened.pool, lambda: "dark", pictures).save(listener, id="1", **message)
    (answer,) = listener.sent
    assert answer["id"] == "1"
    return answer


def test_what_cannot_be_saved_is_told_in_words(opened: Services, caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Any) -> None:
        raise RuntimeError("secret detail")

    broken = Picture("x", origin_of("x"), lambda _: 10.0, fails)
    pictures: dict[str, Callable[[], Picture | None]] = {"empty": lambda: None, "broken": lambda: broken}
    assert "nothing here to save" in ask(pictures, opened, what="empty", format="png")["error"]
    assert "nothing here to save" in ask(pictures, opened, what="unheard of", format="png")["error"]
    assert "Formats: png, svg, pdf" in ask(pictures, opened, what="empty", format="exe")["error"]
    told = ask(pictures, opened, what="broken", format="png")["error"]
    assert "fault in the explorer" in told
    assert "secret" not in told
    assert "secret detail" in caplog.text  # the log has it


def test_a_server_that_saves_nothing_loads_no_figures() -> None:
    code = "import sys, explorer.components.saving; sys.exit('matplotlib.figure' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
