"""From archive files to an atlas on disk: spectra, simulation, network, training, encoding."""

__version__ = "0.1.0"

import os

# Spectra are fetched at random from gigabytes: with small pages a seventh of an update is spent looking addresses up.
# Torch asks for this when it is imported, so it stands where everything of ours begins.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
