"""The app that Panel serves: ``panel serve explorer/app.py --address 127.0.0.1 --args ATLAS``.

It runs anew for every visit, so that all it does is call into the package; `explorer.page.composition` puts the views
together.
"""

# ruff: noqa: E402 -- the path has to be right before the package can be imported
from __future__ import annotations

import sys
from pathlib import Path

# Served from its file, the package's own folder comes first on the path and the package itself may not be on it.
_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

import panel as pn

from explorer.page.visit import visit

pn.extension(notifications=False)
visit().servable()
