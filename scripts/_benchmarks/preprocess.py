"""Preprocessing: real triples a second and core, beside sherpa's loader and a plain astropy reader; memory of many.

All read spectrum, background and area of the same triples and have the redistribution matrix loaded before; ours also
finds them, checks them, makes the whole row and its words.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from astropy.io import fits  # noqa: TID251 (what our own reader is measured against)
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from _benchmarks.processes import Run, run_script
from vae.errors import ExplorerError
from vae.preprocess.extract import Extractor, Row, Task
from vae.preprocess.options import PreprocessOptions
from vae.preprocess.survey import label_file, survey
from vae.preprocess.triples import ResponsePlaces
from vae.simulate.export import ExportOptions, export_archive
from vae.spectra.ogip import Rmf, read_rmf

#: Real products and the one matrix that goes with them, where they are at hand.
_REAL: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "ogip" / "rxcj2359"
_REAL_RESPONSE: Final = _REAL / "responses" / "epn_e3_ef20_sdY6_v19.0.rmf"
#: Simulated triples, where real ones are not at hand.
_SIMULATED: Final = 60
#: Turns a repeat: every way takes its turn, so that whatever else the machine does meets all of them.
_ROUNDS: Final = 3
#: The smaller archive on which memory is measured is this part of the larger one.
_PART: Final = 4
#: How far copies of a source lie apart on the sky [deg].
_APART_DEG: Final = 0.02
_ZIP_LEVEL: Final = 1

#: What a plain reader would want to know beside counts.
_KEYWORDS: Final = ("EXPOSURE", "BACKSCAL", "BACKFILE", "ANCRFILE", "RESPFILE", "OBS_ID", "FILTER", "SUBMODE", "OBJECT")

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class _Triple:
    spectrum: Path
    background: Path
    area: Path


def measure(
    detections: int,
    seed: int,
    repeat: int,
    scratch: Path | None,
    *,
    archive: Path | None = None,
    standin_response: Path | None = None,
    sherpa_python: Path | None = None,
) -> dict[str, Any]:
    """Measure preprocessing.

    Parameters
    ----------
    detections : int
        Of the large archive, made of copies of the triples under other observations and places on the sky.
    seed : int
        Of simulated triples, where there are no real ones.
    repeat : int
        Times three turns; medians are reported.
    scratch : Path, optional
        Where archives and stores are made, and removed: 45 kB a detection.
    archive, standin_response : Path, optional
        Triples to read, and a matrix where theirs is missing; the real ones beside the project by default.
    sherpa_python : Path, optional
        An interpreter that has sherpa.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix="benchmark-") as name:
        folder = Path(name)
        if archive is None and _REAL.is_dir():
            archive, standin_response = _REAL, standin_response or _REAL_RESPONSE
        if archive is None:
            archive = folder / "simulated"
            export_archive(ExportOptions(_SIMULATED, seed, 1), archive, quiet=True)
        speed, rows = _speed(archive, standin_response, repeat, sherpa_python)
        memory = _memory(folder, rows, detections)
    return {
        "cpu_count": os.cpu_count(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "archive": archive,
        **speed,
        "memory": memory,
    }


def _speed(
    archive: Path, standin: Path | None, repeat: int, sherpa_python: Path | None
) -> tuple[dict[str, Any], dict[_Triple, Path]]:
    """Let every way take its turns; also return the triples and the matrix of each."""
    found = survey([archive], lambda files: map(label_file, files))
    extractor = Extractor(PreprocessOptions(), ResponsePlaces(found.roots, found.responses, {}, standin))
    tasks = [Task(Path(file)) for file in found.spectra]
    first = [extractor(task) for task in tasks]
    made = [outcome for outcome in first if isinstance(outcome.result, Row)]
    if not made:
        raise ExplorerError("no triple in it becomes a row", where=archive, todo="Give a matrix: --standin-response")
    tasks = [Task(outcome.file) for outcome in made]
    triples = {_Triple(o.file, o.used[0], o.used[-2]): o.used[-1] for o in made if len(o.used) == 3}
    matrices = {path: read_rmf(path) for path in set(triples.values())}
    plain = [_PlainReader(triple, matrices[path]) for triple, path in triples.items()]
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: [extractor(task) for task in tasks],
        "plain_astropy": lambda: [reader() for reader in plain],
    }
    busy: dict[str, list[float]] = {name: [] for name in ways}
    results = {}
    with threadpool_limits(1):  # a core is a core: waiting threads of a BLAS would count as well
        for _ in range(repeat * _ROUNDS):
            for name, way in ways.items():
                start = time.process_time()
                results[name] = way()
                busy[name].append(time.process_time() - start)
    ours = [(o.result.counts, o.result.background_counts) for o in results["ours"] if len(o.used) == 3]
    if not np.array_equal(ours, [reader[:2] for reader in results["plain_astropy"]]):
        raise ExplorerError("a plain astropy reader finds other counts in it", where=archive)
    rates = {"ours": len(tasks) / statistics.median(busy["ours"])}
    rates["plain_astropy"] = len(plain) / statistics.median(busy["plain_astropy"])
    told: dict[str, Any] = {"sherpa": "not measured: name an interpreter that has it with --sherpa-python"}
    if sherpa_python is not None:
        told["sherpa"], seconds = _sherpa(sherpa_python, triples, matrices, ours, repeat * _ROUNDS)
        rates["sherpa"] = len(triples) / statistics.median(seconds)
    return {
        "triples": len(tasks),
        "rounds": repeat * _ROUNDS,
        **told,
        "same_counts": True,
        **{f"{name}_triples_per_s_and_core": round(rate, 1) for name, rate in rates.items()},
        **{f"times_faster_than_{name}": round(rates["ours"] / rates[name], 2) for name in rates if name != "ours"},
    }, triples


class _PlainReader:
    """What one would write with astropy and numpy without thinking of speed; the matrix is folded once, before."""

    def __init__(self, triple: _Triple, rmf: Rmf) -> None:
        self._triple, self._membership, self._binned = triple, rmf.membership, rmf.binned
        self._widths = rmf.energy_hi - rmf.energy_lo

    def __call__(self) -> tuple[Counts, Counts, Counts]:
        counts, keywords = self._spectrum(self._triple.spectrum)
        background, _ = self._spectrum(self._triple.background)
        with fits.open(self._triple.area) as hdus:
            area = np.asarray(hdus["SPECRESP"].data["SPECRESP"], np.float64)
        return counts, background, keywords["EXPOSURE"] * (self._binned @ (area * self._widths))

    def _spectrum(self, path: Path) -> tuple[Counts, dict[str, Any]]:
        with warnings.catch_warnings(), fits.open(path) as hdus:
            warnings.simplefilter("ignore")
            hdu = hdus["SPECTRUM"]
            values = np.asarray(hdu.data["COUNTS"], np.float64)
            wanted = (
                "EXPOSURE",
                "BACKSCAL",
                "BACKFILE",
                "ANCRFILE",
                "RESPFILE",
                "OBS_ID",
                "FILTER",
                "SUBMODE",
                "OBJECT",
            )
            keywords = {name: hdu.header.get(name) for name in wanted}
        inside = self._membership >= 0
        return np.bincount(self._membership[inside], weights=values[inside], minlength=len(self._binned)), keywords


def _sherpa(
    python: Path, triples: dict[_Triple, Path], matrices: dict[Path, Rmf], ours: Any, rounds: int
) -> tuple[str, list[float]]:
    """Load the same triples with sherpa; return its version and the seconds of each round."""
    path = next(iter(triples.values()))
    asked = {
        "rmf": str(path),
        "triples": [[str(part) for part in (t.spectrum, t.background, t.area)] for t in triples],
        "membership": matrices[path].membership.tolist(),
        "rounds": rounds,
    }
    try:
        done = subprocess.run(
            [python, Path(__file__).with_name("sherpa_loader.py")],
            input=json.dumps(asked), capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise ExplorerError(f"sherpa does not run there: {detail[-500:]}", where=python) from error
    said = json.loads(done.stdout)
    if len(matrices) == 1 and not np.array_equal(said["counts"], np.sum(ours, axis=-1)):
        raise ExplorerError("sherpa finds other counts in it", where=python)
    return str(said["version"]), said["seconds"]


def _memory(folder: Path, triples: dict[_Triple, Path], detections: int) -> dict[str, Any]:
    """Preprocess archives of two sizes in fresh processes."""
    runs: dict[int, Run] = {}
    for number in sorted({max(1, detections // _PART), detections}):
        archive, out = folder / "archive", folder / "store"
        copy_triples(list(triples), next(iter(triples.values())), archive, number)
        runs[number] = run_script(
            "preprocess", archive, "--out", out, "--workers", 2,
            "--standin-response", archive / "responses" / "canned.rmf",
        )  # fmt: skip
        if runs[number].summary["detections"] != number:
            raise ExplorerError(f"{number} copies made {runs[number].summary['detections']} rows", where=archive)
        shutil.rmtree(archive)
        shutil.rmtree(out)
    return {
        str(number): {
            "seconds": round(run.seconds, 1),
            "triples_per_s": round(number / run.seconds, 1),
            "parent_peak_rss_mib": round(run.parent_peak_rss_mib),
            "largest_child_peak_rss_mib": round(run.child_peak_rss_mib),
            "all_processes_peak_rss_mib": round(run.peak_rss_mib),
        }
        for number, run in runs.items()
    }


def copy_triples(triples: list[_Triple], rmf: Path, out: Path, number: int) -> None:
    """Write an archive of `number` triples: spectra under new OBS_IDs and places on the sky, the rest hard-linked."""
    (out / "responses").mkdir(parents=True)
    shutil.copy(rmf, out / "responses" / "canned.rmf")
    originals = out / "originals.hidden"
    originals.mkdir()
    contents = []
    for place, triple in enumerate(triples):
        data = triple.spectrum.read_bytes()
        contents.append(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
        for what, path in (("b", triple.background), ("a", triple.area)):
            shutil.copy(path, originals / f"{place}{what}")
    for copy in range(number):
        place, again = copy % len(triples), copy // len(triples)
        obs_id = f"{1_000_000_000 + again:010d}"
        pps = out / obs_id / "pps"
        pps.mkdir(parents=True, exist_ok=True)
        name = f"P{obs_id}PNS003{{}}0{place + 1:03X}.FTZ"
        data = _card(contents[place], b"OBS_ID", f"'{obs_id}'")
        data = _card(data, b"SRCNUM", f"{place + 1:20d}")
        data = _card(data, b"SRC_CRA", f"{_APART_DEG * (again + 1):20.13f}")
        (pps / name.format("SRSPEC")).write_bytes(gzip.compress(data, _ZIP_LEVEL, mtime=0))
        for what, type_ in (("b", "BGSPEC"), ("a", "SRCARF")):
            (pps / name.format(type_)).hardlink_to(originals / f"{place}{what}")
    shutil.rmtree(originals)


def _card(data: bytes, keyword: bytes, value: str) -> bytes:
    """Give a keyword another value wherever it stands."""
    card = keyword.ljust(8) + b"= " + value.encode().ljust(70)
    return re.sub(rb"(?<=[ -~])" + keyword.ljust(8) + rb"= [ -~]{70}", card, data)
