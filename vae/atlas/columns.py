"""The columns that an atlas adds to those of a store."""

from __future__ import annotations

from typing import Final

from vae.spectra.columns import Column


def atlas_columns(latent_dim: int) -> tuple[Column, ...]:
    """Columns of `catalogue.parquet` after those of the store, for a latent space of this dimension."""
    latent = tuple(
        column
        for axis in range(1, latent_dim + 1)
        for column in (
            Column(f"mu_{axis}", "float32", "", f"posterior mean along latent axis {axis}"),
            Column(f"sigma_{axis}", "float32", "", f"posterior standard deviation along latent axis {axis}"),
        )
    )
    flux = "observed (absorbed) energy flux of the decoded spectrum, 0.3-10 keV"
    return (
        *latent,
        Column("amplitude", "float32", "photon/cm2/s", "decoded photon flux, 0.3-10 keV: factor of the decoded shape"),
        Column("flux_0p3_10", "float32", "erg/cm2/s", flux),
        Column("flux_0p3_10_lo", "float32", "erg/cm2/s", "the same, lower 1 sigma limit (amplitude error only)"),
        Column("flux_0p3_10_hi", "float32", "erg/cm2/s", "the same, upper 1 sigma limit (amplitude error only)"),
        Column("cstat", "float32", "", "C-statistic of the reconstruction"),
        Column("cstat_z", "float32", "", "C-statistic minus expected value, over its standard deviation"),
        Column("rarity", "float32", "%", "percentile of -log density of the archive at the latent position"),
        Column("cluster", "Int32", "", "cluster in latent space"),
    )


#: Those of the reference network, latent dimension 2.
ATLAS_COLUMNS: Final = atlas_columns(2)
