"""Why files did not become rows, beyond what was wrong with one of them alone; and all of it as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from vae.preprocess.ledger import Names
from vae.preprocess.survey import Rejection
from vae.spectra.ogip import Label
from vae.spectra.ogip_types import PN_NAMES
from vae.spectra.store import REJECTED_COLUMNS


def unmade(ledger: pd.DataFrame, files: Sequence[str]) -> Iterator[Rejection]:
    """Yield what is remembered of spectra that could not be used; rows of the table are `files`."""
    out = ledger[ledger["kind"] != ""]
    for place, kind, reason, hdu in zip(out.index, out["kind"], out["reason"], out["hdu"], strict=True):
        yield Rejection(files[place], kind, reason, hdu)


def not_listed(table: pd.DataFrame, files: Sequence[str], catalogue: str) -> Iterator[Rejection]:
    """Yield spectra that a catalogue does not have."""
    for row, obs_id, src_num in zip(table.index, table["obs_id"], table["src_num"], strict=True):
        if pd.isna(obs_id) or pd.isna(src_num):
            reason = f"has no OBS_ID and source number to find it by in {catalogue}"
        else:
            reason = f"{catalogue} does not list source {src_num} of OBS_ID {obs_id}"
        yield Rejection(files[int(row)], "not-in-catalogue", reason)


def losing(choice: pd.DataFrame, table: pd.DataFrame, files: Sequence[str]) -> Iterator[Rejection]:
    """Yield spectra in whose place another one is kept, by `vae.preprocess.sources.choose_spectra`."""
    for row, kind, instead in choice[~choice["kept"]][["kind", "instead"]].itertuples():
        best = Path(files[int(instead)]).name
        if kind == "duplicate":
            reason = (
                f"another spectrum of this source in observation {table['obs_id'][row]} is used: {best}, with "
                f"{table['net_counts'][instead]:.0f} net counts against {table['net_counts'][row]:.0f}"
            )
        else:
            reason = f"its derived detection_id {table['detection_id'][row]} is also that of {best}"
        yield Rejection(files[int(row)], kind, reason)


def unused(files: Iterable[Path], labels: Iterable[Label | Rejection]) -> Iterator[Rejection]:
    """Yield backgrounds, areas and responses that went with no row, each with what can be said of it."""
    for file, label in zip(files, labels, strict=True):
        if isinstance(label, Rejection):
            yield label
        elif label.instrument and label.instrument not in PN_NAMES:
            yield Rejection(str(file), "not-pn", f"not of EPIC-pn but {label.telescope} {label.instrument}")
        else:
            yield Rejection(str(file), "unused", f"no usable spectrum goes with this {label.kind} file")


def rejected_table(rejected: Iterable[Rejection], names: Names) -> pd.DataFrame:
    """Return `rejected.parquet`: files relative to their folders, in order."""
    rows = sorted((names.shown(item.file), item.hdu, item.reason, item.kind) for item in rejected)
    return pd.DataFrame(rows, columns=list(REJECTED_COLUMNS), dtype="str")


def why_nothing(rejected: Sequence[Rejection]) -> str:
    """Say why there is no row at all."""
    telling = (item for item in rejected if item.kind != "not-a-spectrum")
    first = [f"{Path(item.file).name}: {item.reason}" for item, _ in zip(telling, range(3), strict=False)]
    detail = f" ({'; '.join(first)})" if first else ""
    return f"no usable EPIC-pn spectrum among {len(rejected)} files{detail}"
