"""Load triples with sherpa, the RMF already loaded: run by `preprocess` in an interpreter that has sherpa, alone.

Standard input: JSON with `rmf`, `triples` (spectrum, background, area), `membership` (bin of each channel, -1 outside)
and `rounds`. Standard output: JSON with the processor seconds of each round and the counts in each bin.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings

import numpy as np
import sherpa
from sherpa.astro.io import read_arf, read_pha, read_rmf


def main() -> None:
    """Load everything, `rounds` times."""
    logging.getLogger("sherpa").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    rmf = read_rmf(asked["rmf"])
    membership = np.asarray(asked["membership"])
    inside = membership >= 0
    seconds = []
    for _ in range(asked["rounds"] + 1):  # the first one imports what is imported late
        counts = []
        start = time.process_time()
        for spectrum, background, area in asked["triples"]:
            pha = read_pha(spectrum)
            pha.set_background(read_pha(background))
            pha.set_arf(read_arf(area))
            pha.set_rmf(rmf)
            both = pha.counts, pha.get_background().counts
            counts.append([np.bincount(membership[inside], weights=values[inside]).sum() for values in both])
        seconds.append(time.process_time() - start)
    json.dump({"version": sherpa.__version__, "seconds": seconds[1:], "counts": counts}, sys.stdout)


if __name__ == "__main__":
    main()
