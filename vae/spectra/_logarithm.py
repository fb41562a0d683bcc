"""A natural logarithm that the compiler can compute for several numbers at once.

The C library's takes one number at a time: it is most of the cost of a C-statistic and of the network's input. Whoever
changes this file touches the files that use it, too: numba's caches on disk do not see what a kernel calls.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np

_LN_2: Final = math.log(2.0)
_SQRT_2: Final = math.sqrt(2.0)
#: Exponent bits placed below the leading bit of 2^52 read as a double give 2^52 plus that whole number.
_TWO_52: Final = 2.0**52
_TWO_52_BITS: Final = 0x4330000000000000
_ONE_BITS: Final = 0x3FF0000000000000
_MANTISSA: Final = 0x000FFFFFFFFFFFFF
_BIAS: Final = 1023.0


@numba.njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def log(x: float) -> float:
    """Return ln x of a positive, normal, finite double, to 1e-15 (absolute).

    x = 2^e m, m = 1...2; ln m = ln sqrt(2) + 2 atanh s, s = (m - sqrt 2) / (m + sqrt 2), |s| < 0.172: ten terms. For
    other numbers the result means nothing. Sums must not be reordered here: e comes from a difference of 2^52.
    """
    bits = np.float64(x).view(np.int64)
    exponent = np.int64((bits >> 52) | _TWO_52_BITS).view(np.float64) - _TWO_52 - _BIAS
    m = np.int64((bits & _MANTISSA) | _ONE_BITS).view(np.float64)
    s = (m - _SQRT_2) / (m + _SQRT_2)
    q = s * s
    series = 2.0 / 19.0
    series = series * q + 2.0 / 17.0
    series = series * q + 2.0 / 15.0
    series = series * q + 2.0 / 13.0
    series = series * q + 2.0 / 11.0
    series = series * q + 2.0 / 9.0
    series = series * q + 2.0 / 7.0
    series = series * q + 2.0 / 5.0
    series = series * q + 2.0 / 3.0
    series = series * q + 2.0
    return exponent * _LN_2 + (0.5 * _LN_2 + s * series)
