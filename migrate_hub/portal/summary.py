"""The overview of a run as pictures and tables: shares of a ring, bars, scenarios beside the one that was chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from assessments.engine.scenarios import SCENARIO_NAMES, headline_scenario
from assessments.presentation import shown_issues
from assessments.priced_sets import price_the_same_machines
from assessments.settings import engine_settings
from migrate_hub.portal.figures import round_money
from migrate_hub.portal.wording import DISK_TYPES, READINESS, counted, no_confidence, plain, scenario_name

RING = 100.0
TOP_OF_RING = 25.0
SERIES_COLORS = 5
MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class Slice:
    """One readiness: how many machines, and where its arc lies on a ring of length 100 that starts at the top.

    `start` is where it begins on a bar of that length.
    """

    code: str
    name: str
    count: int
    percent: float
    start: float
    length: float
    gap: float
    offset: float


@dataclass(frozen=True)
class CostPart:
    """A part of the monthly cost and its share of the total."""

    name: str
    amount: Decimal
    share: float
    color: int


@dataclass(frozen=True)
class ScenarioRow:
    """The compute cost of one scenario. `difference` to the chosen one only where both stand for the same machines."""

    name: str
    is_headline: bool
    amount: Decimal | None
    priced_machines: int
    machines: int
    without_price: int
    share: float
    difference: Decimal | None
    is_cheapest: bool = False

    @property
    def is_compared(self) -> bool:
        return self.is_headline or self.difference is not None


@dataclass(frozen=True)
class Look:
    """Something to look at first: what, in numbers, what to do about it, and the table that lists the machines."""

    code: str
    title: str
    advice: str
    figure: str
    query: str
    top: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Overview:
    """What the page of a completed run shows."""

    machines: int
    currency: str
    slices: tuple[Slice, ...]
    total: Decimal
    priced_machines: int
    parts: tuple[CostPart, ...]
    bandwidth: Decimal | None
    scenarios: tuple[ScenarioRow, ...]
    issues: tuple[dict[str, Any], ...]
    confidence: Mapping[str, Any]
    left_out: Mapping[str, Any] | None
    look_at: tuple[Look, ...] = ()
    headroom: Mapping[str, Any] | None = None
    headroom_classes: tuple[tuple[str, int, float], ...] = ()

    @property
    def yearly(self) -> Decimal:
        return self.total * MONTHS_A_YEAR

    @property
    def compares_part(self) -> bool:
        """Whether an offer has a price that is not compared, since it stands for other machines."""
        return any(each.amount is not None and not each.is_compared for each in self.scenarios)

    @property
    def no_confidence(self) -> str:
        reason = str(self.confidence.get("reason", ""))
        return no_confidence(reason)


def overview_of(
    summary: Mapping[str, Any], settings: Mapping[str, Any], insights: Mapping[str, Any] | None = None
) -> Overview:
    """The summary of a run and what `insights_of` says of it, ready to be drawn."""
    cost, said = summary["monthly_cost"], insights or {"look_at": []}
    return Overview(
        machines=summary["machines"],
        currency=summary["currency"],
        slices=slices_of(summary["readiness"]),
        total=Decimal(cost["total"]),
        priced_machines=cost["priced_machines"],
        parts=cost_parts(cost),
        bandwidth=Decimal(cost["bandwidth_apart"]) if "bandwidth_apart" in cost else None,
        scenarios=scenario_rows(
            summary["scenarios"], SCENARIO_NAMES[headline_scenario(engine_settings(dict(settings)))]
        ),
        issues=tuple(
            {**shown, "machines": issue["machines"]}
            for issue in summary["issues"]
            for shown in shown_issues([issue["code"]])
        ),
        confidence=summary["confidence"],
        left_out=summary.get("left_out"),
        look_at=tuple(look_of(each, summary["currency"]) for each in said["look_at"] if each["code"] in LOOKS),
        headroom=said.get("headroom"),
        headroom_classes=headroom_classes(said["headroom"]["classes"]) if "headroom" in said else (),
    )


# Of each highlight: what it is, what to do, and which figure tells how much it matters.
LOOKS = {
    "not_ready": ("are not ready", "Start with the largest: each says what stands in its way.", "cores"),
    "readiness_unknown": (
        "are of unknown readiness",
        "Nothing vouches for them: look at the operating system each reports.",
        "monthly_cost",
    ),
    "savings": ("would cost less under another offer", "Reserve what runs all the time, the largest first.", "saving"),
    "oversized": (
        "ask for half of their cores or less",
        "By what they used they become much smaller: ask their owners before others do.",
        "cores",
    ),
    "no_data": ("have no CPU data", "They are sized by what they have, which is often too much.", "monthly_cost"),
    "low_confidence": (
        "rest on little history",
        "Two stars or fewer: wait for more points, or look back less far.",
        "monthly_cost",
    ),
    "limit_unknown": (
        "were refused sizes whose limits are not published",
        "Accept unknown limits in the settings if you can vouch for them.",
        "cores",
    ),
    "disk_limit_unknown": (
        "get a size whose disk limits are not published",
        "Verify the size against the disk load before you move them.",
        "monthly_cost",
    ),
    "network_limit_unknown": (
        "get a size whose network limit is not published",
        "Verify the size against the network load where it matters.",
        "monthly_cost",
    ),
}
CLASSES = ("below 20 %", "20 to 40 %", "40 to 60 %", "60 to 80 %", "80 % and more")


def look_of(told: Mapping[str, Any], currency: str) -> Look:
    """A highlight in words; of one machine it says `is` where it says `are` of many."""
    title, advice, figure = LOOKS[told["code"]]
    count = told["machines"]
    figures = {
        "cores": counted(told["cores"], "core"),
        "monthly_cost": f"{round_money(told['monthly_cost'], currency)} a month",
        "saving": f"up to {round_money(told['monthly_saving'], currency)} a month",
    }
    return Look(
        code=told["code"],
        title=f"{counted(count, 'machine')} {_of_one(title) if count == 1 else title}",
        advice=advice,
        figure=figures[figure],
        query="?" + urlencode(told["query"]),
        top=[{**each, "figure": _top_figure(each, figure, currency)} for each in told["top"][:count]],
    )


SINGULAR = {"are": "is", "ask": "asks", "have": "has", "rest": "rests", "were": "was", "get": "gets", "would": "would"}


def _of_one(title: str) -> str:
    verb, _, rest = title.partition(" ")
    return f"{SINGULAR[verb]} {rest.replace('their', 'its')}"


def _top_figure(machine: Mapping[str, Any], figure: str, currency: str) -> str:
    if figure == "cores":
        return counted(machine["cores"], "core")
    name = "monthly_saving" if figure == "saving" else "monthly_cost"
    return round_money(machine[name], currency)


def headroom_classes(counts: Sequence[int]) -> tuple[tuple[str, int, float], ...]:
    """How many machines will be how busy, and the share of the largest class."""
    longest = max(counts) or 1
    return tuple((name, count, count / longest) for name, count in zip(CLASSES, counts, strict=True))


def slices_of(counts: Mapping[str, int]) -> tuple[Slice, ...]:
    """The arcs of a ring, one a readiness, in the order of the words' table."""
    total = sum(counts.values()) or 1
    slices, start = [], 0.0
    for code, name in READINESS.items():
        length = counts[code] / total * RING
        slices.append(
            Slice(
                code=code,
                name=name,
                count=counts[code],
                percent=round(length, 1),
                start=round(start, 3),
                length=round(length, 3),
                gap=round(RING - length, 3),
                offset=round(TOP_OF_RING - start, 3),
            )
        )
        start += length
    return tuple(slices)


def cost_parts(cost: Mapping[str, Any]) -> tuple[CostPart, ...]:
    """Compute, and storage by type of disk; parts that cost nothing are left out."""
    amounts = {
        "Compute": Decimal(cost["compute"]),
        **{DISK_TYPES.get(name, plain(name)): Decimal(amount) for name, amount in cost["storage_by_type"].items()},
    }
    total = sum(amounts.values()) or Decimal(1)
    return tuple(
        CostPart(name=name, amount=amount, share=float(amount / total), color=place % SERIES_COLORS + 1)
        for place, (name, amount) in enumerate(amounts.items())
        if amount
    )


def scenario_rows(scenarios: Mapping[str, Any], headline: str) -> tuple[ScenarioRow, ...]:
    """Every scenario. Totals over different machines are never compared: such rows have no bar."""
    chosen = scenarios[headline]
    base = _amount(chosen)
    comparable = {name: price_the_same_machines(each, chosen) for name, each in scenarios.items()}
    longest = max(
        (amount for name, each in scenarios.items() if comparable[name] and (amount := _amount(each)) is not None),
        default=Decimal(0),
    )
    cheapest = min(
        (amount for name, each in scenarios.items() if comparable[name] and (amount := _amount(each)) is not None),
        default=None,
    )
    return tuple(
        ScenarioRow(
            name=scenario_name(name),
            is_headline=name == headline,
            amount=(amount := _amount(each)),
            priced_machines=each["priced_machines"],
            machines=each["machines"],
            without_price=each["without_price"],
            share=float(amount / longest) if amount is not None and longest and comparable[name] else 0.0,
            difference=amount - base if amount is not None and base is not None and comparable[name] else None,
            is_cheapest=comparable[name] and amount is not None and amount == cheapest,
        )
        for name in SCENARIO_NAMES
        if (each := scenarios.get(name)) is not None
    )


def _amount(scenario: Mapping[str, Any]) -> Decimal | None:
    text = scenario.get("monthly_compute_cost")
    return None if text is None else Decimal(text)
