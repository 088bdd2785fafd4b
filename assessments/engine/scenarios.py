"""The pricing scenarios: every machine is priced in all of them in one run; the chosen one is the headline."""

from dataclasses import dataclass
from typing import Literal

from assessments.engine.settings import Settings

Term = Literal[
    "pay_as_you_go",
    "reservation_1y",
    "reservation_3y",
    "savings_plan_1y",
    "savings_plan_3y",
    "dev_test",
]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Terms of sale. The hybrid benefit uses the customer's own licences; Dev/Test charges none for Windows."""

    name: str
    term: Term
    hybrid_benefit: bool


COMMITMENTS: tuple[Term, ...] = (
    "reservation_1y",
    "reservation_3y",
    "savings_plan_1y",
    "savings_plan_3y",
)

SCENARIOS: tuple[Scenario, ...] = (
    *(
        scenario
        for term in ("pay_as_you_go", *COMMITMENTS)
        for scenario in (
            Scenario(term, term, False),
            Scenario(f"{term}_hybrid_benefit", term, True),
        )
    ),
    Scenario("dev_test", "dev_test", False),
)

SCENARIO_NAMES: tuple[str, ...] = tuple(scenario.name for scenario in SCENARIOS)


def headline_scenario(settings: Settings) -> int:
    """Index into SCENARIOS of the scenario that the settings choose.

    Dev/Test under a commitment (only the rule `combine` lets it through) is the commitment without a Windows
    licence, which is what Dev/Test subscriptions pay: the commitment's scenario with the hybrid benefit.
    """
    dev_test = settings.offer == "dev_test"
    if dev_test and settings.commitment == "none":
        return SCENARIO_NAMES.index("dev_test")
    term = "pay_as_you_go" if settings.commitment == "none" else settings.commitment
    suffix = "_hybrid_benefit" if dev_test or settings.hybrid_benefit != "none" else ""
    return SCENARIO_NAMES.index(term + suffix)
