"""Glyphs of a Bokeh figure, with as few models as they can have: a page opens the sooner."""

from __future__ import annotations

from typing import Any

from bokeh.models import AllIndices, CDSView, ColumnDataSource, Glyph, GlyphRenderer, UnionRenderers
from bokeh.plotting import figure as bokeh_figure


class Glyphs:
    """Adds glyphs to a figure.

    `figure.line` and its like give each glyph two more for when it is muted or not selected, a view, a filter and a
    policy. Ours are neither, and share what holds no state of its own.

    Parameters
    ----------
    figure : bokeh.plotting.figure
    """

    def __init__(self, figure: bokeh_figure) -> None:
        self._figure = figure
        self._policy, self._all_rows = UnionRenderers(), AllIndices()
        self._views: dict[str, CDSView] = {}
        self._made: list[GlyphRenderer] = []

    def source(self, data: dict[str, Any] | None = None, **options: Any) -> ColumnDataSource:
        """Make a source for glyphs of this figure."""
        return ColumnDataSource(data or {}, selection_policy=self._policy, **options)

    def add(self, source: ColumnDataSource, glyph: Glyph, **options: Any) -> GlyphRenderer:
        """Make a glyph, above those made before; `show` puts it into the figure."""
        if source.id not in self._views:
            self._views[source.id] = CDSView(filter=self._all_rows)
        renderer = GlyphRenderer(data_source=source, glyph=glyph, view=self._views[source.id], **options)
        self._made.append(renderer)
        return renderer

    def show(self) -> None:
        """Put all that was made into the figure, in one message to a page that is open."""
        self._figure.renderers.extend(self._made)
        self._made.clear()
