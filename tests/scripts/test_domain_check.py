"""The domain check runs on a store, and says why it cannot where it cannot."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import domain_check

from vae.errors import OptionError
from vae.evaluation import domain
from vae.evaluation.two_sample import two_sample
from vae.spectra.store import SpectraStore


def test_options_that_make_no_sense_are_refused(tiny_store) -> None:
    with pytest.raises(OptionError, match="--copies 2"):
        domain_check.main(domain_check.Options(real=tiny_store, copies=2))
    with pytest.raises(OptionError, match="--nulls 9"):
        domain_check.main(domain_check.Options(real=tiny_store, copies=5, nulls=9))


def test_a_simulated_field_is_compared_and_its_like_is_found(tiny_store, monkeypatch) -> None:
    """Simulated products stand in for real ones; a dozen spectra without a source number look for their like."""
    store = SpectraStore.open(tiny_store)
    table = store.detections.copy()
    few = table.index[table["net_counts"] < 450][:30]
    chosen = np.zeros(len(table), bool)
    chosen[few] = True
    table.loc[~chosen, "src_num"] = None
    store.detections = table
    monkeypatch.setattr(domain_check.SpectraStore, "open", lambda _: store)
    monkeypatch.setattr(domain_check, "_neighbours", lambda *_: {"asked": True})
    monkeypatch.setattr(domain_check, "METHODS", ("logistic",))
    monkeypatch.setattr(domain_check, "two_sample", functools.partial(two_sample, repeats=1))
    options = domain_check.Options(real=tiny_store, copies=4, nulls=1, avoid=(0.0, 90.0, 1.0))
    figures = domain_check.main(options)
    assert figures["spectra"] == len(domain.real_sample(store)) == len(few)
    assert figures["nearest simulated neighbours"] == {"asked": True}
    crude = figures["control: one power law, flat background"]["net, gross and background region"]["logistic"]
    good = figures["active nuclei"]["net, gross and background region"]["logistic"]
    assert crude.auc > good.auc
    assert crude.auc > 0.97
    assert set(figures["active nuclei"]["net"]["mean of real and of simulated"]) == set(domain.share_names()[0])
