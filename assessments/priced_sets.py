"""Which totals stand for the same machines: offers that price as many need not price the same ones."""

from collections.abc import Mapping
from typing import Any


def price_the_same_machines(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two totals of one run stand for the same machines.

    Runs from before fingerprints tell it only where both stand for all machines.
    """
    if "priced_set" in first and "priced_set" in second:
        return bool(first["priced_set"] == second["priced_set"])
    return all(total["priced_machines"] == total["machines"] for total in (first, second))
