"""A Bokeh figure in a Panel layout."""

from __future__ import annotations

from typing import Any

import panel as pn
from bokeh.document import Document
from bokeh.model import Model
from bokeh.plotting import figure as bokeh_figure


class PlotPane(pn.pane.Bokeh):
    """Panel's own pane for figures, without two searches through all models of the figure when a page is built.

    One looks for scripts that name a model by its number, the other applies Panel's theme. Our scripts get their models
    as arguments, and our figures have their colours from the page's palette.

    Parameters
    ----------
    figure : bokeh.plotting.figure
        For one page; it fills its slot.
    """

    def __init__(self, figure: bokeh_figure, **params: Any) -> None:
        super().__init__(figure, sizing_mode="stretch_both", margin=0, **params)

    def _get_model(
        self, doc: Document, root: Model | None = None, parent: Model | None = None, comm: Any = None
    ) -> Model:
        if root is None:
            return self.get_root(doc, comm)
        self._models[root.ref["id"]] = (self.object, parent)
        return self.object
