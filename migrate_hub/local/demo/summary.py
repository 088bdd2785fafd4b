"""The end of the demo: what the assessments say, in tables, and where to look further."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from migrate_hub.local.demo.client import Json
from migrate_hub.local.demo.story import AS_ON_PREMISES, PERFORMANCE_BASED, Outcome
from migrate_hub.local.demo.trace import TraceCounts

READINESS = {
    "ready": "ready",
    "ready_with_conditions": "ready with conditions",
    "not_ready": "not ready",
    "unknown": "unknown",
}
SHORT_NAMES = {PERFORMANCE_BASED: "right-sized", AS_ON_PREMISES: "as is"}
TERMS = ("pay_as_you_go", "savings_plan_1y", "savings_plan_3y", "reservation_1y", "reservation_3y", "dev_test")
LARGEST = 5
TRACE_LINES = (
    ("rows", "rows read"),
    ("machines", "machines"),
    ("points", "points played"),
    ("off_grid", "stamps moved to the start of their 5 minutes"),
    ("duplicate", "duplicate rows merged, the peak kept"),
    ("same_slot", "further rows in the same 5 minutes merged, the peak kept"),
    ("zero_capacity", "rows without cores or memory left out: the machine was off"),
    ("unreadable", "unreadable rows refused"),
    ("missing_points", "points missing in gaps, left empty"),
    ("cpu_over_100", "rows with CPU above 100 %, sent as they are: the assessment counts them as 100 %"),
    ("memory_over_capacity", "rows with more memory in use than there is, sent as they are"),
    ("implausible_memory", "of these with over 100 times as much: memory left empty"),
    ("configuration_changes", "changes of cores or memory, sent as inventory changes once a day"),
    ("machines_without_capacity", "machines that never had cores or memory refused"),
)


@dataclass(frozen=True)
class Saving:
    """What right-sizing one machine saves a month against taking it over as it is. Costs are compute and storage."""

    name: str
    sku_as_is: str
    sku: str
    cost_as_is: Decimal
    cost: Decimal

    @property
    def amount(self) -> Decimal:
        return self.cost_as_is - self.cost


def largest_savings(as_is_rows: Iterable[Json], rows: Iterable[Json], *, count: int = LARGEST) -> list[Saving]:
    """The machines that right-sizing makes cheapest; those without a price in either assessment do not take part."""
    before = {row["machine"]: row for row in as_is_rows if monthly_cost(row) is not None}
    savings = []
    for row in rows:
        cost, other = monthly_cost(row), before.get(row["machine"])
        if cost is None or other is None:
            continue
        cost_as_is = monthly_cost(other) or Decimal(0)
        savings.append(Saving(row["name"], other["recommended_sku"], row["recommended_sku"], cost_as_is, cost))
    savings.sort(key=lambda saving: (-saving.amount, saving.name))
    return [saving for saving in savings[:count] if saving.amount > 0]


def monthly_cost(row: Json) -> Decimal | None:
    """Compute and storage of one machine, None where either has no price."""
    if "monthly_compute_cost" not in row or "monthly_storage_cost" not in row:
        return None
    return Decimal(row["monthly_compute_cost"]) + Decimal(row["monthly_storage_cost"])


def money(amount: Decimal | str, currency: str = "") -> str:
    """Whole units, for tables: 12,346 EUR."""
    return f"{Decimal(amount):,.0f} {currency}".rstrip()


def print_summary(console: Console, outcomes: Iterable[Outcome], counts: TraceCounts | None) -> None:
    for outcome in outcomes:
        console.print(_tenant_summary(outcome))
    if counts:
        console.print(_trace_summary(counts))


def _tenant_summary(outcome: Outcome) -> RenderableType:
    summary = outcome.assessments[PERFORMANCE_BASED]["summary"]
    region = f"{outcome.tenant.target_region}, {summary['machines']} machines"
    parts: list[RenderableType] = [
        Text.assemble("\n", (outcome.tenant.name, "bold"), (f"  {region}", "dim")),
        "Readiness",
        _readiness(outcome),
        f"Monthly cost of compute by scenario in {summary['currency']}, and for how many machines",
        _scenarios(outcome),
        "The five largest savings by right-sizing, compute and storage a month",
        _savings(outcome),
    ]
    refused = ", ".join(f"{count} x {code}" for code, count in sorted(outcome.state.refused.items()))
    sent = f"{outcome.state.values_sent / 1e6:.1f} million values of {outcome.state.machines} machines"
    parts.append(Text(f"Sent {sent}; refused by the hub: {refused or 'none'}", style="dim"))
    return Group(*parts)


def _table(first: str, *others: str) -> Table:
    """A table whose first column is text and whose others are figures."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _readiness(outcome: Outcome) -> Table:
    table = _table("assessment", *READINESS.values(), "confidence")
    for name, detail in outcome.assessments.items():
        summary = detail["summary"]
        confidence = summary["confidence"]
        rating = f"{confidence['percent']:.1f} %" if confidence["applicable"] else "-"
        table.add_row(name, *(str(summary["readiness"][state]) for state in READINESS), rating)
    return table


def _scenarios(outcome: Outcome) -> Table:
    """Every total says for how many machines it stands; totals over different sets of machines do not compare."""
    summaries = {name: detail["summary"] for name, detail in outcome.assessments.items()}
    headings = [heading for name in summaries for heading in (SHORT_NAMES[name], "machines")]
    table = _table("scenario", *headings)
    for scenario in sorted(summaries[PERFORMANCE_BASED]["scenarios"], key=scenario_order):
        cells = [cell for summary in summaries.values() for cell in _scenario(summary, scenario)]
        table.add_row(scenario_label(scenario), *cells)
    storage = [cell for summary in summaries.values() for cell in _storage(summary)]
    table.add_section()
    table.add_row("storage in every scenario", *storage)
    return table


def _scenario(summary: Json, scenario: str) -> tuple[str, str]:
    total = summary["scenarios"][scenario]
    cost = total.get("monthly_compute_cost")
    stands_for = f"{total['priced_machines']}/{total['machines']}"
    return (money(cost) if cost else "no price", stands_for)


def _storage(summary: Json) -> tuple[str, str]:
    cost = summary["monthly_cost"]
    return money(cost["storage"]), f"{cost['priced_machines']}/{summary['machines']}"


def _savings(outcome: Outcome) -> Table:
    currency = outcome.assessments[PERFORMANCE_BASED]["summary"]["currency"]
    table = _table("machine", "as is", "cost", "right-sized", "cost", "saves")
    for saving in largest_savings(outcome.rows[AS_ON_PREMISES], outcome.rows[PERFORMANCE_BASED]):
        table.add_row(
            saving.name,
            short_sku(saving.sku_as_is),
            money(saving.cost_as_is, currency),
            short_sku(saving.sku),
            money(saving.cost, currency),
            Text(money(saving.amount, currency), style="green"),
        )
    return table


def scenario_order(name: str) -> tuple[int, str]:
    """Pay as you go first, the commitments in between, Dev/Test last; unknown ones after them."""
    term = name.removesuffix("_hybrid_benefit")
    return (TERMS.index(term) if term in TERMS else len(TERMS), name)


def scenario_label(name: str) -> str:
    """A scenario's name on the wire in words: reservation_1y_hybrid_benefit is "reservation 1y + hybrid benefit"."""
    return name.replace("_hybrid_benefit", " + hybrid benefit").replace("_", " ")


def short_sku(name: str) -> str:
    return name.removeprefix("Standard_")


def _trace_summary(counts: TraceCounts) -> RenderableType:
    table = Table(title="The recording", title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    for name, text in TRACE_LINES:
        if value := getattr(counts, name):
            table.add_row(f"{value:,}", text)
    note = (
        "It names no operating system, boot type or disk size: these are assumed. It has no IOPS: these are left out."
    )
    return Group("", table, Text(note, style="dim"))


@dataclass(frozen=True)
class SignIn:
    """How a person gets into the running site."""

    tenant: str
    email: str
    password: str


def print_where_to_look(console: Console, *, url: str, sign_ins: Iterable[SignIn], workbooks: Iterable[Path]) -> None:
    """The last lines: plain, one fact a line, never wrapped, so that they can be copied."""

    def line(name: str, text: str) -> None:
        console.print(Text.assemble((f"{name:<10}", "bold"), text), soft_wrap=True)

    console.print()
    for workbook in workbooks:
        line("workbook", str(workbook))
    line("site", url)
    for sign_in in sign_ins:
        line("sign in", f"user {sign_in.email}  password {sign_in.password}  ({sign_in.tenant})")
