"""Draws what is looked at, and only that: one frame at a time, always the latest, in the services' threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final

from bokeh.document import Document

from explorer.latent_map.frame import Request
from explorer.latent_map.renderer import Renderer
from explorer.latent_map.wire import Parcel, parcel
from explorer.services import Services
from explorer.tools.threads import when_done

#: A browser that has not shown a frame after so long is sent the next one all the same [s].
_PATIENCE: Final = 5.0


class FrameLoop:
    """Frames of one map.

    While one is drawn, or on its way to the browser, further wishes only say that there is something newer to draw:
    nothing queues up, neither here nor on the wire.

    Parameters
    ----------
    services : Services
    renderer : Renderer
    document : bokeh.document.Document or None
        Of the browser tab; without one, frames are drawn at once in the caller's thread.
    wanted : callable
        Returns what is to be drawn now; None for nothing.
    arrived : callable
        Gets the finished frame, under the document's lock.
    failed : callable
        Gets the error where there is no frame; the next wish is drawn all the same.
    """

    def __init__(
        self,
        services: Services,
        renderer: Renderer,
        document: Document | None,
        wanted: Callable[[], Request | None],
        arrived: Callable[[Parcel], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._pool, self._renderer, self._document = services.frames, renderer, document
        self._wanted, self._arrived, self._failed = wanted, arrived, failed
        self._drawing = self._scheduled = self._again = self._closed = False
        self._sent_at: float | None = None
        self._drawn: Request | None = None

    def request(self) -> None:
        """Ask for a frame of what is looked at when the current event has been dealt with."""
        if self._document is None:
            self._start()
        elif not self._scheduled:
            self._scheduled = True
            self._document.add_next_tick_callback(self._begin)

    def foresee(self, request: Request) -> None:
        """Draw at once, in the caller's thread, what will be wished for first."""
        parcel = self._draw(request)
        self._drawn = request  # not before: what could not be drawn may be wished for again
        self._arrived(parcel)

    def seen(self) -> None:
        """Hear that the browser has shown the last frame."""
        self._sent_at = None
        if self._again:
            self._start()

    def close(self) -> None:
        """Draw no more."""
        self._closed = True

    def _begin(self) -> None:
        self._scheduled = False
        self._start()

    def _start(self) -> None:
        """Draw now, unless something else is being drawn or on its way."""
        travelling = self._sent_at is not None and time.monotonic() - self._sent_at < _PATIENCE
        if self._drawing or travelling:
            self._again = True
            return
        self._again = False
        request = self._wanted()
        if request is None or request == self._drawn or self._closed:
            return
        document = self._document
        if document is None:
            self.foresee(request)
            return
        self._drawing = True
        future = self._pool.submit(self._draw, request)
        when_done(future, document, partial(self._land, request))

    def _draw(self, request: Request) -> Parcel:
        return parcel(self._renderer.draw(request))

    def _land(self, request: Request, future: Future[Parcel]) -> None:
        self._drawing = False
        if self._closed:
            return
        error = future.exception()
        if error is not None:
            self._failed(error)
            return
        self._drawn, self._sent_at = request, time.monotonic()
        self._arrived(future.result())
