from __future__ import annotations

from pathlib import Path

from bokeh.models import ColumnDataSource, CustomJS, Line, Scatter
from bokeh.plotting import figure

from explorer.tools.glyphs import Glyphs
from explorer.tools.room import take_no_room
from explorer.tools.scripts import callback

ROOT = Path(__file__).resolve().parents[2]


def test_a_script_is_called_with_its_arguments_by_name(tmp_path: Path) -> None:
    path = tmp_path / "does.js"
    path.write_text("const LEAST = 4\nexport default ({ source, wait }, cause) => { source.tags = [wait, LEAST] }\n")
    source = ColumnDataSource()
    made = callback(path, source=source, wait=3)
    assert made.args == {"source": source, "wait": 3}
    assert "export" not in made.code  # a module of its own would be imported late
    assert made.code.endswith("return run({ source, wait }, cb_obj, cb_data, cb_context)")
    assert made.code.startswith("const LEAST = 4\nconst run = ({ source, wait }, cause) =>")


def test_every_script_beside_the_map_and_the_tools_exports_one_function() -> None:
    for path in [*(ROOT / "explorer/latent_map").glob("*.js"), ROOT / "explorer/tools/room.js"]:
        text = path.read_text()
        if path.name != "ticks.js":  # the body of a formatter
            assert text.count("export default (") == 1, path
        assert "import " not in text, path


def test_glyphs_share_what_holds_no_state() -> None:
    plot = figure()
    glyphs = Glyphs(plot)
    one, other = glyphs.source({"x": [1], "y": [2]}), glyphs.source(name="empty")
    lines = [glyphs.add(one, Line(x="x", y="y")), glyphs.add(one, Scatter(x="x", y="y"), level="overlay")]
    third = glyphs.add(other, Line(x="x", y="y"))
    assert one.selection_policy is other.selection_policy
    assert lines[0].view is lines[1].view  # of one source: in the browser a view holds the indices of its source
    assert third.view is not lines[0].view
    assert third.view.filter is lines[0].view.filter
    assert lines[1].level == "overlay"
    assert {lines[0].muted_glyph, lines[0].nonselection_glyph} == {"auto"}
    assert list(plot.renderers) == []
    told: list[str] = []
    plot.on_change("renderers", lambda name, _old, _new: told.append(name))
    glyphs.show()
    glyphs.show()
    assert list(plot.renderers) == [*lines, third]
    assert told == ["renderers"]  # one message, not one a glyph


def test_axes_are_told_once_the_figure_has_a_size() -> None:
    plot = figure()
    take_no_room(plot, plot.yaxis)
    (script,) = plot.js_property_callbacks["change:inner_width"]
    assert isinstance(script, CustomJS)
    assert script.args["figure"] is plot
    assert script.args["axes"] == list(plot.yaxis)
