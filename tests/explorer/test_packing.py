from __future__ import annotations

import numpy as np
import pytest

from explorer.latent_map.packing import MAX_COLOURS, pack, unpack


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (64, 48), (7, 1)])
@pytest.mark.parametrize("lit", [0.0, 0.3, 1.0])
def test_what_is_packed_comes_back(shape: tuple[int, int], lit: float) -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(1, 2**32, shape, dtype=np.uint32) * (rng.random(shape) < lit).astype(np.uint32)
    packed, colours, n_lit = pack(image)
    assert n_lit == np.count_nonzero(image)
    assert colours == len(np.setdiff1d(image, [0]))
    np.testing.assert_array_equal(unpack(packed, colours, n_lit, shape), image)


def test_an_image_of_few_colours_is_small() -> None:
    rng = np.random.default_rng(4)
    image = rng.choice(np.array([0, 0, 0, 7, 2**31], np.uint32), (300, 400))
    packed, _, lit = pack(image)
    assert packed.nbytes == 2 * 4 + 2 * lit + 300 * 400 // 8


@pytest.mark.parametrize("extra", [0, 1])
def test_more_colours_than_two_bytes_can_number_go_as_they_are(extra: int) -> None:
    image = np.arange(1, MAX_COLOURS + extra + 1, dtype=np.uint32).reshape(1, -1)
    packed, colours, lit = pack(image)
    assert colours == (-1 if extra else MAX_COLOURS)
    np.testing.assert_array_equal(unpack(packed, colours, lit, image.shape), image)
