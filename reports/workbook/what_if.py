"""How a cost moves with the cells that a reader may change.

What is billed by the hour moves with discount and uptime, a commitment with the discount alone, and under the rule
`strict` with neither. Two named cells say by how much, each is 1 in the state of the run; so a formula is a cost of
the run times a factor, and equals the run to the cent as long as nothing is changed. The size and the cheapest scenario
stay those of the run: another discount may make another one cheapest, which only a new run can say.
"""

from decimal import Decimal

from reports.workbook.values import SavingsRow

HOURLY_FACTOR, COMMITMENT_FACTOR = "hourly_factor", "commitment_factor"


def plain_number(amount: Decimal) -> str:
    """An amount as formulas write it."""
    return repr(float(amount))


def moving(cost: Decimal | None, hourly: Decimal | None) -> str | None:
    """A cost of which a part is billed by the hour, as the text of a formula; None where nothing is known."""
    if cost is None or hourly is None:
        return None
    committed = cost - hourly
    if not committed:
        return f"{plain_number(cost)}*{HOURLY_FACTOR}"
    if not hourly:
        return f"{plain_number(cost)}*{COMMITMENT_FACTOR}"
    return f"{plain_number(committed)}*{COMMITMENT_FACTOR}+{plain_number(hourly)}*{HOURLY_FACTOR}"


def headline_formula(row: SavingsRow) -> str | None:
    return moving(row.headline_monthly_cost, row.headline_hourly_monthly_cost)


def pay_as_you_go_formula(row: SavingsRow) -> str | None:
    return moving(row.pay_as_you_go_monthly_cost, row.pay_as_you_go_monthly_cost)


def best_formula(row: SavingsRow) -> str | None:
    return moving(row.best_monthly_cost, row.best_hourly_monthly_cost)


def saved_formula(row: SavingsRow) -> str | None:
    return _difference(pay_as_you_go_formula(row), headline_formula(row))


def further_formula(row: SavingsRow) -> str | None:
    return _difference(headline_formula(row), best_formula(row))


def possible_formula(row: SavingsRow) -> str | None:
    return _difference(pay_as_you_go_formula(row), best_formula(row))


def _difference(dearer: str | None, cheaper: str | None) -> str | None:
    return None if dearer is None or cheaper is None else f"{dearer}-({cheaper})"
