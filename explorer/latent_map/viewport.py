"""What the browser looks at. The browser owns the view, so that it follows the hand; the server asks and is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure as bokeh_figure

from explorer.latent_map.frame import View
from explorer.latent_map.still import SIZE_COOKIE
from explorer.tools.messages import in_one_message
from explorer.tools.scripts import callback

#: Deepest and widest view, as a share of the whole map.
ZOOM_LIMITS: Final = (1e-4, 8.0)
#: The hand rests when the view has not changed for so long [ms].
_REST: Final = 150
#: Relative difference of two scales that nobody sees.
_SAME_SCALE: Final = 1e-3
_SCRIPT: Final = Path(__file__).with_name("viewport.js")


class Viewport:
    """View and size of the map in one browser.

    Parameters
    ----------
    home : View
        The whole map.
    changed : callable
        Called without arguments when the browser looks elsewhere, or has shown a frame.

    Attributes
    ----------
    view : View
        What the browser looks at, as far as is known here.
    size : (int, int) or None
        Width and height in pixels; None before the browser has laid the figure out.
    moving : bool
        Whether the hand is on it.
    seen : int
        Number of the last frame that the browser has shown.
    x, y : Range1d
        For the figure. They are the browser's own: their changes there are told in `told`, all four ends in one
        message, and not by Bokeh in two or four.
    """

    def __init__(self, home: View, changed: Callable[[], None]) -> None:
        self._home, self._changed = home, changed
        self.view = home
        self.size: tuple[int, int] | None = None
        self.moving, self.seen = False, 0
        self._equal = False
        self._unit: float | None = None
        self.x, self.y = _range(home.x0, home.x1), _range(home.y0, home.y1)
        self.told = ColumnDataSource(name="xle-look")
        self._go = ColumnDataSource({"x0": [], "x1": [], "y0": [], "y1": [], "number": []}, name="xle-go")
        self._number = 0
        self.told.on_change("data", in_one_message(self._look))

    def listen(self, figure: bokeh_figure, image: ColumnDataSource) -> None:
        """Have the browser tell of its view, of the figure's size and of the images it shows."""
        arguments = {"x": self.x, "y": self.y, "figure": figure, "told": self.told, "go": self._go, "image": image}
        tell = callback(_SCRIPT, **arguments, rest=_REST, cookie=SIZE_COOKIE)
        for span in (self.x, self.y):
            for end in ("start", "end"):
                span.js_on_change(end, tell)
        for side in ("inner_width", "inner_height"):
            figure.js_on_change(side, tell)
        self._go.js_on_change("data", tell)
        image.js_on_change("data", tell)

        def laid_out(_attribute: str, _old: Any, _new: Any) -> None:
            """Draw the first frame when the size is known: the browser's own script is heard half a second later."""
            with suppress(UnsetValueError):  # of the two that come together, one comes first
                size = int(figure.inner_width), int(figure.inner_height)
                if self.size is None:
                    self.look(self.view, size)

        for side in ("inner_width", "inner_height"):
            figure.on_change(side, laid_out)

    # -- where to ----------------------------------------------------------------------------------------------------
    def show(self, view: View) -> None:
        """Bring the browser to a view, at once."""
        self._bring(self._fitted(view))

    def home(self) -> None:
        """Show the whole map."""
        self.show(self._home)

    def zoom(self, factor: float) -> None:
        """Zoom about the middle; above 1 is closer. Nothing happens beyond `ZOOM_LIMITS`."""
        view = self.view
        width, height = view.width / factor, view.height / factor
        smallest, largest = (limit * self._home.width for limit in ZOOM_LIMITS)
        if smallest <= width <= largest:
            self._bring(_around(view, width, height))

    def pan(self, fx: float, fy: float) -> None:
        """Move by fractions of the view, to the right and up."""
        view = self.view
        dx, dy = fx * view.width, fy * view.height
        self._bring(View(view.x0 + dx, view.x1 + dx, view.y0 + dy, view.y1 + dy))

    def keep_equal(self, equal: bool) -> None:
        """Whether a latent unit is as long in x as in y."""
        self._equal, self._unit = equal, None
        if equal:
            self.show(self.view)

    def _bring(self, view: View) -> None:
        self.view = view
        self._number += 1
        if self.size is None:  # the browser is still loading: it gets the models as they are
            self.x.update(start=view.x0, end=view.x1)
            self.y.update(start=view.y0, end=view.y1)
        ends = {"x0": [view.x0], "x1": [view.x1], "y0": [view.y0], "y1": [view.y1]}
        self._go.data = ends | {"number": [self._number]}
        self._changed()

    def _fitted(self, view: View) -> View:
        """Widen a view to the same scale in both directions, if that is wanted."""
        if not self._equal or self.size is None:
            return view
        width, height = self.size
        unit = self._unit or max(view.width / width, view.height / height)
        self._unit = None
        return _around(view, unit * width, unit * height)

    # -- what the browser tells --------------------------------------------------------------------------------------
    def _look(self, _attribute: str, _old: Any, new: dict[str, Any]) -> None:
        told = {name: values[0] for name, values in new.items()}
        view = View(*(float(told[name]) for name in ("x0", "x1", "y0", "y1")))
        size = (int(told["width"]), int(told["height"]))
        self.look(view, size, moving=bool(told["moving"]), seen=int(told["seen"]), gone=int(told["gone"]))

    def look(
        self, view: View, size: tuple[int, int], *, moving: bool = False, seen: int = 0, gone: int | None = None
    ) -> None:
        """Hear what the browser looks at, and which of the views it was last brought to (None: the latest)."""
        if min(size) <= 0:
            return
        if gone is not None and gone < self._number:  # it has not heard yet: keys pressed fast would lose steps
            view = self.view
        if self._equal and self.size is not None and size != self.size:  # a larger map shows more; it does not zoom
            self._unit = self.view.width / self.size[0]
        self.view, self.size, self.moving, self.seen = view, size, moving, seen
        if self._equal and abs(view.width / size[0] / (view.height / size[1]) - 1) > _SAME_SCALE:
            self.show(view)
        else:
            self._changed()


def _around(view: View, width: float, height: float) -> View:
    x, y = (view.x0 + view.x1) / 2, (view.y0 + view.y1) / 2
    return View(x - width / 2, x + width / 2, y - height / 2, y + height / 2)


def _range(start: float, end: float) -> Range1d:
    smallest, largest = (limit * (end - start) for limit in ZOOM_LIMITS)
    return Range1d(start, end, min_interval=smallest, max_interval=largest, syncable=False)
