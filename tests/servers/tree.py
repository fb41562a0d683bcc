"""What the servers serve: products by observation and matrices, from folders or from bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_PRODUCT = re.compile(r"P(\d{10})[A-Z0-9]{2}[A-Z]\d{3}\w{6}\d[0-9A-F]{3}\.[A-Z]{3}")


@dataclass
class Tree:
    """Files of an archive.

    Parameters
    ----------
    products : dict
        Contents, or the file that has them, by OBS_ID and name.
    responses : dict
        The same by name.
    """

    products: dict[str, dict[str, Path | bytes]] = field(default_factory=dict)
    responses: dict[str, Path | bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, *folders: Path) -> Tree:
        """Take everything below some folders that is named like a product or a matrix."""
        tree = cls()
        for top in folders:
            for folder, _, names in os.walk(top):
                for name in names:
                    match = _PRODUCT.fullmatch(name)
                    if match:
                        tree.products.setdefault(match[1], {})[name] = Path(folder, name)
                    elif name.endswith(".rmf"):
                        tree.responses[name] = Path(folder, name)
        return tree

    def with_decoys(self) -> Tree:
        """Add what an observation has besides: other cameras, events, pictures, thumbnails, light curves."""
        for obs_id, files in self.products.items():
            for name in ("M1S001SRSPEC0001.FTZ", "PNS003PIEVLI0000.FTZ", "PNS003SRSPEC0001.PDF", "PNS003SRTSR_0001.FTZ",
                         "OMS005IMAGE_1000.FTZ", "PNS003SPCPLT0001.PDF"):  # fmt: skip
                files.setdefault(f"P{obs_id}{name}", b"not wanted " * 50)
            files["index.html"] = b"not wanted"
        return self

    def only(self, obs_ids: Iterable[str]) -> Tree:
        """Return the tree of some observations."""
        return Tree({obs_id: self.products[obs_id] for obs_id in obs_ids}, self.responses)


def content(file: Path | bytes) -> bytes:
    """Return the bytes of a file of a tree."""
    return file if isinstance(file, bytes) else file.read_bytes()


def size(file: Path | bytes) -> int:
    """Return its size in bytes."""
    return len(file) if isinstance(file, bytes) else file.stat().st_size
