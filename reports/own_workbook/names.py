"""What the names in a tenant's own workbook mean: single cells, and tables with a row a machine, disk or price."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

from assessments.engine.scenarios import SCENARIO_NAMES
from reports.workbook import LAYOUTS, NEWEST_LAYOUT, OWN_SHEETS, SCHEMA_VERSION, IssueTotal, Report, ScenarioTotal
from reports.workbook.columns import Cell, Column, Kind
from reports.workbook.sheets import DISKS, MACHINES
from reports.workbook.wording import scenario_words, stars

PREFIX = "mh_"
CURRENCY_AT_END = re.compile(r"(.*) ([a-z]{3})")
NEAR, NEAR_ENOUGH = 3, 0.7


@dataclass(frozen=True, slots=True)
class NamedCell:
    """A name of one cell: what it shows, and how to get it from a report."""

    name: str
    meaning: str
    kind: Kind
    value: Callable[[Report], Cell]


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table that may be filled: by either of its names, its columns by heading (of any layout) or by key."""

    name: str
    sheet: str
    meaning: str
    columns: tuple[Column[Any], ...]
    other_headings: Mapping[str, str]  # of older layouts, to keys

    @property
    def key(self) -> str:
        """What is filled in, whichever of its names the table has."""
        return self.name.removeprefix(PREFIX)


def _of(path: str) -> Callable[[Report], Cell]:
    return attrgetter(path)


def _of_origin(name: str) -> Callable[[Report], Cell]:
    return lambda report: None if report.origin is None else getattr(report.origin, name)


def _scenario_cells() -> Iterable[NamedCell]:
    def total(report: Report, name: str) -> ScenarioTotal | None:
        return next((total for total in report.scenario_totals if total.scenario == name), None)

    def cost(name: str) -> Callable[[Report], Cell]:
        return lambda report: getattr(total(report, name), "compute_monthly_cost", None)

    def priced(name: str) -> Callable[[Report], Cell]:
        return lambda report: getattr(total(report, name), "priced_machines", None)

    for name in SCENARIO_NAMES:
        words = scenario_words(name)
        yield NamedCell(f"mh_compute_monthly_{name}", f"Compute a month, {words}", Kind.MONEY, cost(name))
        yield NamedCell(f"mh_priced_machines_{name}", f"Machines with that price, {words}", Kind.COUNT, priced(name))


def _summary_cells() -> Iterable[NamedCell]:
    for name, meaning, path in (
        ("machines_total", "Machines assessed", "machines"),
        ("readiness_ready", "Machines ready", "ready_machines"),
        ("readiness_ready_with_conditions", "Machines ready with conditions", "ready_with_conditions_machines"),
        ("readiness_not_ready", "Machines not ready", "not_ready_machines"),
        ("readiness_unknown", "Machines of unknown readiness", "unknown_machines"),
    ):
        yield NamedCell(PREFIX + name, meaning, Kind.COUNT, _of(f"summary.{path}"))
    for name, meaning, path in (
        ("total_monthly", "Total monthly cost", "monthly_cost"),
        ("compute_monthly", "Compute a month", "compute_monthly_cost"),
        ("storage_monthly", "Storage a month", "storage_monthly_cost"),
        ("standard_hdd_monthly", "Standard HDD disks a month", "standard_hdd_monthly_cost"),
        ("standard_ssd_monthly", "Standard SSD disks a month", "standard_ssd_monthly_cost"),
        ("premium_monthly", "Premium disks a month", "premium_monthly_cost"),
        ("premium_v2_monthly", "Premium SSD V2 disks a month", "premium_v2_monthly_cost"),
        ("ultra_monthly", "Ultra disks a month", "ultra_monthly_cost"),
    ):
        yield NamedCell(PREFIX + name, meaning, Kind.MONEY, _of(f"summary.{path}"))
    yield NamedCell(
        "mh_confidence", "Confidence rating", Kind.TEXT, lambda report: stars(report.summary.confidence_stars)
    )
    yield NamedCell("mh_confidence_stars", "Its stars alone", Kind.COUNT, _of("summary.confidence_stars"))


def _identity_cells() -> Iterable[NamedCell]:
    yield NamedCell("mh_project_name", "Project", Kind.TEXT, _of("project_name"))
    yield NamedCell("mh_group_name", "Group", Kind.TEXT, _of("group_name"))
    yield NamedCell("mh_assessment_name", "Assessment", Kind.TEXT, _of("assessment_name"))
    yield NamedCell("mh_created_at", "When the run was made, UTC", Kind.INSTANT, _of("created_at"))
    yield NamedCell("mh_tenant_name", "Tenant", Kind.TEXT, _of_origin("tenant_name"))
    yield NamedCell("mh_display_name", "The name that the template gives", Kind.TEXT, _of("look.display_name"))
    yield NamedCell("mh_run_id", "Id of the run", Kind.TEXT, _of_origin("run_id"))
    yield NamedCell("mh_catalog_name", "Catalog of the prices", Kind.TEXT, _of_origin("catalog_name"))
    yield NamedCell("mh_catalog_date", "Its date", Kind.DAY, _of_origin("catalog_date"))
    yield NamedCell("mh_rule_set", "Rule set", Kind.TEXT, _of_origin("rule_set"))
    yield NamedCell("mh_url", "Address of the assessment", Kind.TEXT, _of_origin("url"))
    yield NamedCell("mh_schema_version", "Version of this list", Kind.TEXT, lambda _report: SCHEMA_VERSION)


def _settings_cells() -> Iterable[NamedCell]:
    for name, meaning, kind in (
        ("currency", "Currency", Kind.TEXT),
        ("target_region", "Target region", Kind.TEXT),
        ("sizing_criterion", "Sizing criterion, as the API says it", Kind.TEXT),
        ("comfort_factor", "Comfort factor", Kind.NUMBER),
        ("offer", "Offer", Kind.TEXT),
        ("commitment", "Commitment", Kind.TEXT),
        ("hybrid_benefit", "Hybrid benefit", Kind.TEXT),
        ("discount_percent", "Discount (%)", Kind.NUMBER),
        ("uptime_days_per_month", "Days a month", Kind.COUNT),
        ("uptime_hours_per_day", "Hours a day", Kind.COUNT),
        ("performance_window", "Window of the history", Kind.TEXT),
        ("performance_start_at", "Its start, UTC", Kind.INSTANT),
        ("performance_end_at", "Its end, UTC", Kind.INSTANT),
        ("percentile", "Percentile", Kind.NUMBER),
    ):
        yield NamedCell(PREFIX + name, meaning, kind, _of(f"settings.{name}"))


CELLS: tuple[NamedCell, ...] = (*_identity_cells(), *_summary_cells(), *_settings_cells(), *_scenario_cells())
CELL_BY_NAME = {cell.name: cell for cell in CELLS}

SCENARIO_TOTALS: tuple[Column[ScenarioTotal], ...] = (
    Column(heading="Scenario", key="scenario", value=lambda total: scenario_words(total.scenario)),
    Column(heading="Compute monthly cost {currency}", key="compute_monthly_cost", kind=Kind.MONEY),
    Column(heading="Machines priced", key="priced_machines", kind=Kind.COUNT),
    Column(heading="Machines", key="machines", kind=Kind.COUNT),
)
ISSUE_TOTALS: tuple[Column[IssueTotal], ...] = (
    Column(heading="Finding", key="message"),
    Column(heading="What to do", key="remedy"),
    Column(heading="Machines", key="machines", kind=Kind.COUNT),
)


def _layout_tables() -> Iterable[NamedTable]:
    newest = LAYOUTS[NEWEST_LAYOUT]
    for name, sheet, part, meaning in (
        ("mh_machines", MACHINES, "machines", "One row a machine"),
        ("mh_disks", DISKS, "disks", "One row a disk"),
    ):
        older = {normal(column.heading): column.key for layout in LAYOUTS.values() for column in getattr(layout, part)}
        yield NamedTable(name, sheet, meaning, getattr(newest, part), older)


def normal(text: str) -> str:
    """A heading or name without what people change unawares: case, line breaks, doubled blanks."""
    return " ".join(text.casefold().split())


TABLES: tuple[NamedTable, ...] = (
    *_layout_tables(),
    *(NamedTable(f"mh_{sheet.key}", sheet.name, sheet.meaning, sheet.columns, {}) for sheet in OWN_SHEETS),
    NamedTable(
        "mh_scenario_totals", "", "One row a pricing scenario: its total over all machines", SCENARIO_TOTALS, {}
    ),
    NamedTable("mh_issue_totals", "", "One row a finding, and how many machines have it", ISSUE_TOTALS, {}),
)
TABLE_BY_NAME = {name.casefold(): table for table in TABLES for name in (table.name, table.sheet) if name}
TABLE_BY_KEY = {table.key: table for table in TABLES}


@lru_cache(maxsize=len(TABLES))
def _keys_of(table_key: str) -> Mapping[str, str]:
    """Keys of a table's columns by everything that may stand above them; currency is `{currency}` there."""
    table = TABLE_BY_KEY[table_key]
    known = dict(table.other_headings)
    known |= {normal(column.heading): column.key for column in table.columns}
    return known | {column.key: column.key for column in table.columns}


@lru_cache(maxsize=len(TABLES))
def _money_keys_of(table_key: str) -> frozenset[str]:
    return frozenset(column.key for column in TABLE_BY_KEY[table_key].columns if column.kind is Kind.MONEY)


def column_of(table: NamedTable, heading: str) -> tuple[str | None, str | None]:
    """The key that a heading means, and the currency that it names; the currency may be left away."""
    known, text = _keys_of(table.key), normal(heading)
    if text in known:
        return known[text], None
    if f"{text} {{currency}}" in known:
        return known[f"{text} {{currency}}"], None
    named = CURRENCY_AT_END.fullmatch(text)
    if named is None:
        return None, None
    if f"{named[1]} {{currency}}" in known:
        return known[f"{named[1]} {{currency}}"], named[2].upper()
    if known.get(named[1]) in _money_keys_of(table.key):  # a heading without a currency of its own
        return known[named[1]], named[2].upper()
    return None, None


def near_headings(table: NamedTable, heading: str) -> list[str]:
    """Headings of the table that look like this one."""
    shown = {normal(column.heading): column.heading for column in table.columns}
    shown |= {column.key: column.key for column in table.columns}
    return [shown[text] for text in difflib.get_close_matches(normal(heading), shown, n=NEAR, cutoff=NEAR_ENOUGH)]


def near_names(name: str) -> list[str]:
    """Names of ours that look like this one."""
    known = [*CELL_BY_NAME, *(table.name for table in TABLES)]
    text = name.casefold()
    near = difflib.get_close_matches(text, known, n=NEAR, cutoff=NEAR_ENOUGH)
    if not near and not text.startswith(PREFIX):
        near = difflib.get_close_matches(PREFIX + text, known, n=NEAR, cutoff=0.85)
    return near
