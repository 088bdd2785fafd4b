"""What could still be saved on a machine by choosing other terms of sale."""

from assessments.engine.fixed_point import IntArray
from assessments.engine.recommendations import Recommendations
from assessments.engine.scenarios import SCENARIOS
from assessments.engine.settings import Settings


def available_scenarios(settings: Settings, headline: int) -> tuple[int, ...]:
    """Scenarios that the customer can have: own licenses and Dev/Test only as the settings choose them."""
    return tuple(
        place
        for place, scenario in enumerate(SCENARIOS)
        if place == headline
        or (scenario.term != "dev_test" and (settings.hybrid_benefit != "none" or not scenario.hybrid_benefit))
    )


def possible_savings(decided: Recommendations, settings: Settings) -> IntArray:
    """Billionths a month between the chosen scenario and the cheapest available one; 0 where none is cheaper."""
    chosen = decided.chosen.monthly_compute_cost
    least = chosen.values.copy()
    for place in available_scenarios(settings, decided.headline):
        cost = decided.scenarios[place].monthly_compute_cost
        cheaper = cost.known & (cost.values < least)
        least[cheaper] = cost.values[cheaper]
    least[~chosen.known] = chosen.values[~chosen.known]
    return chosen.values - least
