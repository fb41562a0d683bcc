"""Which atlas to show, and opening it behind a page that says so."""

from __future__ import annotations

import gc
import importlib
import logging
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bokeh.settings import settings as bokeh_settings
from threadpoolctl import threadpool_limits

from explorer.services import Services, services
from vae.demo import demo_path
from vae.errors import AtlasError
from vae.resources import asset

_LOG = logging.getLogger(__name__)
#: Size of the demo that is built when there is no atlas: half a minute on two cores, and every class is in it.
DEMO_DETECTIONS: Final = 20_000

_LOCK = threading.Lock()
_OPENINGS: dict[Path, Future[Services]] = {}
_WORKER = ThreadPoolExecutor(1, thread_name_prefix="opening")


def atlas_path(arguments: Sequence[str]) -> Path:
    """Return the atlas to show: the argument, else ``EXPLORER_ATLAS``, else ``./atlas``, else the small demo.

    Parameters
    ----------
    arguments : sequence of str
        What follows ``--args``; at most one path.

    Raises
    ------
    AtlasError
        If there are more arguments, or a path named by a person does not exist.
    """
    if len(arguments) > 1:
        raise AtlasError(
            f"one atlas at a time, not {len(arguments)}", todo="Give one path after --args, which must come last"
        )
    named = arguments[0] if arguments else os.environ.get("EXPLORER_ATLAS")
    if named:
        path = Path(named).expanduser()
        if not path.exists():
            raise AtlasError(
                "there is no atlas here",
                where=path.resolve(),
                todo="Make one with scripts/build_demo.py or scripts/encode.py; without a path a small demo opens",
            )
        return path
    here = Path("atlas")
    return here if here.is_dir() else demo_path(DEMO_DETECTIONS)


def opening(path: Path) -> Future[Services]:
    """Begin to open an atlas, or return the opening begun before; one that failed is tried again.

    The small demo is built first if it is not there yet.
    """
    path = path.resolve()
    with _LOCK:
        known = _OPENINGS.get(path)
        if known is None or (known.done() and known.exception() is not None):
            _OPENINGS[path] = _WORKER.submit(_open, path)
        return _OPENINGS[path]


def _open(path: Path) -> Services:
    if not path.exists() and path == demo_path(DEMO_DETECTIONS).resolve():
        _LOG.warning("building a demo atlas of %d detections in %s", DEMO_DETECTIONS, path)
        # In a process of its own, so that the server never carries torch.
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            pool.submit(_build_demo, path).result()
    opened = services(path)
    # Importing the views takes seconds, and compiling their kernels may: here, so that no visitor waits for either.
    importlib.import_module("explorer.page.composition").warm_up(opened)
    # One spectrum at a time is small work: threads of a BLAS cost more than they give, most of all on a busy machine.
    threadpool_limits(1, "blas")
    # Whether the models of a page fit together is for tests to see; a tenth of its opening went into looking again.
    bokeh_settings.perform_document_validation = False
    # What is there now stays: the collector need not walk through a million objects at every page that opens or closes.
    gc.collect()
    gc.freeze()
    return opened


def _build_demo(path: Path) -> None:
    from vae.encode import encode
    from vae.simulate import SimulateOptions, build_store

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".demo-") as scratch:
        store = build_store(SimulateOptions(detections=DEMO_DETECTIONS, seed=1), Path(scratch) / "store", quiet=True)
        encode(store, asset("models", "reference"), path, quiet=True)
