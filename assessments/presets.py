"""Settings that answer a question people come with. A preset is nothing but settings; each may be changed then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assessments.engine.settings import FULL_MONTH_HOURS

ALWAYS_ON = {"days_per_month": 31, "hours_per_day": FULL_MONTH_HOURS // 31}


@dataclass(frozen=True)
class Preset:
    """A question, what the settings do about it in one sentence, and the settings; all others keep their values."""

    name: str
    title: str
    sentence: str
    settings: Mapping[str, Any]


# No commitment: what a preset is compared with must not exclude a discount or shorter hours.
OPEN = {"offer": "pay_as_you_go", "commitment": "none"}

PRESETS: tuple[Preset, ...] = (
    Preset(
        "as_it_is",
        "What it costs as it is",
        "Each machine gets a size like the one it has, used or not.",
        {"sizing_criterion": "as_on_premises", "comfort_factor": 1, **OPEN},
    ),
    Preset(
        "right_sized",
        "Right-sized",
        "Each machine gets what it used in the last week, short peaks left out, and 30 % more.",
        {
            "sizing_criterion": "performance_based",
            "performance_window": "1_week",
            "percentile": 95,
            "comfort_factor": 1.3,
            **OPEN,
        },
    ),
    Preset(
        "cautious",
        "Cautious",
        "Nearly every peak of the last month counts, and half as much again is added.",
        {
            "sizing_criterion": "performance_based",
            "performance_window": "1_month",
            "percentile": 99,
            "comfort_factor": 1.5,
            **OPEN,
        },
    ),
    Preset(
        "three_years",
        "Three-year commitment",
        "Right-sized, and reserved for three years: the lowest price for what runs all the time.",
        {
            "sizing_criterion": "performance_based",
            "performance_window": "1_week",
            "percentile": 95,
            "comfort_factor": 1.3,
            "offer": "pay_as_you_go",
            "commitment": "reservation_3y",
            "discount_percent": 0,
            "uptime": ALWAYS_ON,
        },
    ),
)


def preset_named(name: str) -> Preset | None:
    return next((preset for preset in PRESETS if preset.name == name), None)
