from __future__ import annotations

import numba
import numpy as np

from vae.spectra._logarithm import log


@numba.njit
def logs(values: np.ndarray) -> np.ndarray:
    out = np.empty_like(values)
    for i in range(values.size):
        out[i] = log(values[i])
    return out


def test_it_is_the_logarithm() -> None:
    rng = np.random.default_rng(0)
    wide = np.exp(rng.uniform(-690, 690, 20_000))
    near_one = 1.0 + rng.uniform(-1e-3, 1e-3, 20_000) * 10.0 ** rng.uniform(-10, 0, 20_000)
    powers = 2.0 ** np.arange(-1000, 1000, dtype=float)
    for values in (wide, near_one, powers, np.nextafter(powers, 0.0)):
        np.testing.assert_allclose(logs(values), np.log(values), rtol=3e-16, atol=2e-15)
