"""The lines of the first sheet: Azure's labels, our totals, and the formulas that compute them from the rows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reports.workbook.columns import Cell, Kind
from reports.workbook.layouts import LAYOUTS, NEWEST_LAYOUT, Layout
from reports.workbook.sheets import LIVE_COLUMNS
from reports.workbook.tables import Table
from reports.workbook.values import Report
from reports.workbook.what_if import COMMITMENT_FACTOR, HOURLY_FACTOR
from reports.workbook.wording import DISK_TYPES, MOVES_WITH, NOT_APPLICABLE, PRICE_PARTS, READINESS, stars

# Named cells of the first sheet that a reader may change.
DISCOUNT, UPTIME_DAYS, UPTIME_HOURS = "discount_percent", "uptime_days_per_month", "uptime_hours_per_day"

DISK_TYPE_OF_COST = {
    "standard_hdd_monthly_cost": "standard_hdd",
    "standard_ssd_monthly_cost": "standard_ssd",
    "premium_monthly_cost": "premium_ssd",
    "premium_v2_monthly_cost": "premium_ssd_v2",
    "ultra_monthly_cost": "ultra",
}
STORAGE_LABELS = {
    "standard_hdd_monthly_cost": "Standard disks cost",
    "standard_ssd_monthly_cost": "Standard SSD disks cost",
    "premium_monthly_cost": "Premium disks cost",
    "premium_v2_monthly_cost": "Premium SSD V2 disks cost",
    "ultra_monthly_cost": "Ultra disks cost",
}


NO_TABLE = Table((), ())


@dataclass(frozen=True, slots=True)
class Tables:
    """Where the rows stand that the totals are computed from, as far as their sheets were asked for."""

    machines: Table = NO_TABLE
    disks: Table = NO_TABLE
    scenarios: Table | None = None
    savings: Table | None = None
    issues: Table | None = None
    traces: Table | None = None
    price_lines: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One label and its value. A line with a `name` is a named cell; `formula` is None where the rows cannot tell."""

    label: str
    value: Cell
    kind: Kind = Kind.TEXT
    name: str | None = None
    formula: str | None = None


def summary_lines(report: Report, layout: Layout, tables: Tables) -> list[Line]:
    """All lines in Azure's order. A disk type that the layout has no line for is in the storage cost all the same."""
    return [
        *_identity(report),
        *_readiness(report, tables.machines),
        *_costs(report, layout, tables),
        Line(label="Confidence rating", value=stars(report.summary.confidence_stars)),
    ]


def plain_summary_lines(report: Report) -> list[Line]:
    """The lines of the newest layout with their values alone, for forms that have no formulas."""
    nothing = Table(tuple(column.key for column in LAYOUTS[NEWEST_LAYOUT].disks), ())
    machines = Table(tuple(column.key for column in LAYOUTS[NEWEST_LAYOUT].machines), ())
    return summary_lines(report, LAYOUTS[NEWEST_LAYOUT], Tables(machines, nothing))


def scenario_formula(tables: Tables, scenario: str) -> str | None:
    """The sum of a scenario's compute costs over its rows, times what discount and uptime make of them."""
    whole, hourly = (_of_scenario(tables.scenarios, key, scenario) for key in ("compute", "hourly"))
    if not whole:
        return None
    if not is_live(tables) or not hourly:
        return f"={whole}"
    return f"=({whole}-({hourly}))*{COMMITMENT_FACTOR}+({hourly})*{HOURLY_FACTOR}"


def _of_scenario(table: Table | None, part: str, scenario: str) -> str:
    pairs = table.columns(f"{part}_monthly_cost", "scenario") if table else []
    return "+".join(f'SUMIFS({costs},{scenarios},"{scenario}")' for costs, scenarios in pairs)


def is_live(tables: Tables) -> bool:
    """Whether the lines are there that discount and uptime move."""
    return tables.price_lines is not None and tables.price_lines.has(*LIVE_COLUMNS)


def live_compute_formula(lines: Table | None, run_hours: int) -> str | None:
    """Compute at the discount and uptime that stand in the named cells, from the price lines.

    The hours of the run are in what the lines say, so what moves with the uptime is scaled by the hours of now.
    """
    if lines is None or not lines.columns(*LIVE_COLUMNS):
        return None
    hourly, monthly, fixed = (_compute_lines(lines, word) for word in ("uptime_and_discount", "discount", "nothing"))
    hours = f"{UPTIME_DAYS}*{UPTIME_HOURS}/{run_hours}"
    return f"=(({hourly})*{hours}+{monthly})*(1-{DISCOUNT}/100)+{fixed}"


def _compute_lines(lines: Table, moves_with: str) -> str:
    part, word = PRICE_PARTS["compute"], MOVES_WITH[moves_with]
    return "+".join(
        f'SUMIFS({amounts},{parts},"{part}",{words},"{word}")' for amounts, parts, words in lines.columns(*LIVE_COLUMNS)
    )


def sum_formula(table: Table, key: str) -> str | None:
    """The sum of a column."""
    return _sum(f"SUM({cells})" for cells in table.ranges(key))


def stars_formula(machines: Table, count: int | None) -> str | None:
    """How many machines have this many stars, from their percent; None where the layout does not tell it."""
    cells = machines.ranges("confidence_percent")
    if count is None:
        return _sum(f'COUNTIF({column},"{NOT_APPLICABLE}")' for column in cells)
    above, limit = f'">{(count - 1) * 20}"', f'"<={count * 20}"'
    if count == 1:
        return _sum(f"COUNTIF({column},{limit})" for column in cells)
    return _sum(f"COUNTIFS({column},{above},{column},{limit})" for column in cells)


def _identity(report: Report) -> list[Line]:
    return [
        Line(label="Subscription ID", value=NOT_APPLICABLE),
        Line(label="Resource group", value=NOT_APPLICABLE),
        Line(label="Project name", value=report.project_name),
        Line(label="Group name", value=report.group_name),
        Line(label="Assessment name", value=report.assessment_name),
        Line(label="Assessment Type", value="Azure Server Assessment"),
        Line(label="Created on (UTC)", value=report.created_at, kind=Kind.INSTANT),
    ]


def _readiness(report: Report, machines: Table) -> list[Line]:
    def line(label: str, name: str, code: str, count: int) -> Line:
        formula = _sum(f'COUNTIF({cells},"{READINESS[code]}")' for cells in machines.ranges("readiness"))
        return Line(label=label, name=name, kind=Kind.COUNT, value=count, formula=formula)

    summary = report.summary
    parts = [
        line("Machines not ready for Azure", "machines_not_ready", "not_ready", summary.not_ready_machines),
        line(
            "Machines ready with conditions",
            "machines_ready_with_conditions",
            "ready_with_conditions",
            summary.ready_with_conditions_machines,
        ),
        line("Machines ready for Azure", "machines_ready", "ready", summary.ready_machines),
        line("Machines readiness unknown", "machines_unknown", "unknown", summary.unknown_machines),
    ]
    total = Line(
        label="Total machines assessed",
        name="machines_total",
        kind=Kind.COUNT,
        value=summary.machines,
        formula=_sum(line.name for line in parts if line.name),
    )
    return [total, *parts]


def _costs(report: Report, layout: Layout, tables: Tables) -> list[Line]:
    summary, currency = report.summary, report.settings.currency
    compute = _column_cost(f"Compute monthly cost {currency}", "compute_monthly_cost", report, tables.machines)
    live = live_compute_formula(tables.price_lines, report.settings.uptime_hours)
    if live:
        compute = replace(compute, formula=live)
    storage = _column_cost(f"Storage monthly cost {currency}", "storage_monthly_cost", report, tables.machines)
    parts = [compute, storage]
    if summary.security_monthly_cost is not None:
        parts.append(
            _column_cost(f"Security monthly cost {currency}", "security_monthly_cost", report, tables.machines)
        )
    total = Line(
        label=f"Total monthly cost {layout.estimate}{currency}",
        name="monthly_cost",
        kind=Kind.MONEY,
        value=summary.monthly_cost,
        formula=_sum(line.name for line in parts if line.name),
    )
    disks = [_disk_cost(key, report, tables.disks) for key in layout.storage_keys]
    return [total, compute, storage, *disks, *parts[2:]]


def _column_cost(label: str, key: str, report: Report, machines: Table) -> Line:
    formula = _sum(f"SUM({cells})" for cells in machines.ranges(key))
    return Line(label=label, name=key, kind=Kind.MONEY, value=getattr(report.summary, key), formula=formula)


def _disk_cost(key: str, report: Report, disks: Table) -> Line:
    words = DISK_TYPES[DISK_TYPE_OF_COST[key]]
    pairs = disks.columns("monthly_cost", "recommended_disk_type")
    return Line(
        label=f"{STORAGE_LABELS[key]} {report.settings.currency}",
        name=key,
        kind=Kind.MONEY,
        value=getattr(report.summary, key),
        formula=_sum(f'SUMIFS({costs},{types},"{words}")' for costs, types in pairs),
    )


def _sum(terms: Iterable[str]) -> str | None:
    formula = "+".join(terms)
    return f"={formula}" if formula else None
