"""How busy a machine will be on another size, if it does there what it did before."""

from decimal import Decimal

ONE_PLACE = Decimal("0.1")


def expected_percent(observed_percent: float | None, has: float, gets: float) -> Decimal | None:
    """20 % of 10 cores are 25 % of 8; None where nothing was observed, or either size has nothing of it.

    Cores are taken as alike, on premises and in the cloud: no benchmark of processors is applied.
    """
    if observed_percent is None or has <= 0 or gets <= 0:
        return None
    return (Decimal(str(observed_percent)) * Decimal(str(has)) / Decimal(str(gets))).quantize(ONE_PLACE)
