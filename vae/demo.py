"""Where demo atlases live: in the user's cache folder, one for each size, seed and version of their recipe."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

#: Rises when the simulator or the shipped weights change, so that an old demo is not taken for a new one.
RECIPE: Final = 3


def demo_path(detections: int, seed: int = 1) -> Path:
    """Folder of the demo atlas of this size and seed, whether or not it exists yet."""
    return user_cache_path("xmm-latent-explorer", ensure_exists=False) / f"demo-r{RECIPE}-{detections}-seed{seed}"


if __name__ == "__main__":  # the Makefile asks for the path
    _parser = argparse.ArgumentParser(description=__doc__)
    _parser.add_argument("detections", type=int)
    _parser.add_argument("seed", type=int)
    _options = _parser.parse_args()
    sys.stdout.write(f"{demo_path(_options.detections, _options.seed)}\n")
