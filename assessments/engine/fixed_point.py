"""Exact numbers in int64: quantities x 10^4, money in billionths (10^-9) of the currency unit.

Binary floats cannot decide "equal is enough": 25 cores x 10 % x 1.6 is exactly 4 cores, yet 0.1 * 1.6 * 25 is
4.000000000000001 and would demand the next size. So floats end here, rounded to four decimals.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

QUANTITY_SCALE = 10_000
MONEY_SCALE = 1_000_000_000


def scaled(values: npt.ArrayLike) -> IntArray:
    """Quantities rounded to four decimals, x 10^4. NaN is not allowed here: mask it first."""
    result: IntArray = np.rint(np.asarray(values, dtype=np.float64) * QUANTITY_SCALE).astype(np.int64)
    return result


def scaled_number(value: Decimal | float | str) -> int:
    """One quantity rounded half up to four decimals, x 10^4; a float counts as the decimal it prints as."""
    return int((Decimal(str(value)) * QUANTITY_SCALE).to_integral_value(ROUND_HALF_UP))


def billionths(amount: Decimal | int | str) -> int:
    """One amount of money, rounded half up to a billionth."""
    return int((Decimal(amount) * MONEY_SCALE).to_integral_value(ROUND_HALF_UP))


def to_decimal(value: int, scale: int = QUANTITY_SCALE) -> Decimal:
    """The decimal that a scaled integer stands for."""
    return Decimal(int(value)) / scale


def multiply_ceiling(values: IntArray, numerator: int, denominator: int) -> IntArray:
    """ceil(values x numerator / denominator), exact, without overflow for values up to 10^15 and numerators up to 10^9.

    Rounding up keeps comparisons exact: x <= limit holds for an integer limit just when ceil(x) <= limit.
    """
    quotient, remainder = np.divmod(values, denominator)
    result: IntArray = quotient * numerator - (-remainder * numerator) // denominator
    return result


def multiply_half_up(values: IntArray, numerator: int, denominator: int) -> IntArray:
    """values x numerator / denominator, rounded half up; values are not negative."""
    quotient, remainder = np.divmod(values, denominator)
    result: IntArray = quotient * numerator + (2 * remainder * numerator + denominator) // (2 * denominator)
    return result


def money(amounts: Iterable[Decimal | int | str | None]) -> tuple[IntArray, BoolArray]:
    """Amounts in billionths and the mask of those that are given."""
    listed = list(amounts)
    values = np.array(
        [0 if amount is None else billionths(amount) for amount in listed],
        dtype=np.int64,
    )
    return values, np.array([amount is not None for amount in listed], dtype=np.bool_)
