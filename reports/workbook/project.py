"""The report over several assessments of a project as values: a row an assessment, its scenarios, shared machines.

What is not of one kind is never added up: amounts of two currencies, or machines that are in several assessments.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from reports.workbook.columns import Column, Kind
from reports.workbook.look import Look
from reports.workbook.sheets import SCHEMA_VERSION, Sheet
from reports.workbook.summary import NO_TABLE, Line, sum_formula
from reports.workbook.tables import Table
from reports.workbook.text_forms import Content
from reports.workbook.wording import FRESHNESS, NOT_APPLICABLE, scenario_words, stars, worded

OVERVIEW = "Project_Summary"
SCENARIO_COSTS = (
    "pay_as_you_go",
    "pay_as_you_go_hybrid_benefit",
    "reservation_1y",
    "reservation_1y_hybrid_benefit",
    "reservation_3y",
    "reservation_3y_hybrid_benefit",
    "savings_plan_1y",
    "savings_plan_1y_hybrid_benefit",
    "savings_plan_3y",
    "savings_plan_3y_hybrid_benefit",
    "dev_test",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectScenarioRow:
    """What one assessment costs a month in one scenario: compute of the machines priced in it, and all storage."""

    assessment_name: str
    scenario: str
    is_chosen: bool
    currency: str
    machines: int
    priced_machines: int
    storage_monthly_cost: Decimal
    compute_monthly_cost: Decimal | None = None

    @property
    def monthly_cost(self) -> Decimal | None:
        return None if self.compute_monthly_cost is None else self.compute_monthly_cost + self.storage_monthly_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentRow:
    """The run of one assessment. Costs are in its own currency; the cheapest scenario prices as many as the chosen."""

    assessment_name: str
    group_name: str
    run_number: int
    run_at: datetime
    settings: str
    target_region: str
    currency: str
    machines: int
    ready_machines: int
    ready_with_conditions_machines: int
    not_ready_machines: int
    unknown_machines: int
    compute_monthly_cost: Decimal
    storage_monthly_cost: Decimal
    chosen_scenario: str
    scenarios: tuple[ProjectScenarioRow, ...]
    freshness: str
    catalog_name: str
    catalog_date: date
    rule_set: str
    run: str
    cheapest_scenario: str | None = None
    confidence_percent: float | None = None
    confidence_stars: int | None = None
    shared_machines: int = 0  # machines of it that are in another assessment too

    @property
    def monthly_cost(self) -> Decimal:
        return self.compute_monthly_cost + self.storage_monthly_cost

    @property
    def cheapest_monthly_cost(self) -> Decimal | None:
        return None if self.cheapest_scenario is None else self.cost_in(self.cheapest_scenario)

    def cost_in(self, scenario: str) -> Decimal | None:
        """Compute and storage a month in a scenario."""
        return next((row.monthly_cost for row in self.scenarios if row.scenario == scenario), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMachineRow:
    """A machine that is in several of the assessments."""

    machine_name: str
    assessments: int
    assessment_names: str


@dataclass(frozen=True, slots=True)
class ProjectBatch:
    """Some rows of the tables, each under the key of its sheet."""

    assessments: Sequence[AssessmentRow] = ()
    scenarios: Sequence[ProjectScenarioRow] = ()
    shared: Sequence[SharedMachineRow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectReport:
    """Several assessments of a project, with the runs that were published when the report was asked for.

    `shared` starts from the first row at each call. `machines` counts each machine once.
    """

    tenant_name: str
    project_name: str
    created_at: datetime
    rows: Sequence[AssessmentRow]
    machines: int
    shared_machines: int
    shared: Callable[[], Iterable[Sequence[SharedMachineRow]]]
    url: str | None = None
    look: Look = field(default_factory=Look)

    @property
    def currencies(self) -> list[str]:
        return sorted({row.currency for row in self.rows})

    @property
    def currency(self) -> str:
        """That of all amounts; empty where there are several."""
        return self.currencies[0] if len(self.currencies) == 1 else ""

    @property
    def is_addable(self) -> bool:
        """Whether a sum over the assessments means anything."""
        return bool(self.currency) and not self.shared_machines

    def batches(self) -> Iterator[ProjectBatch]:
        """The rows of all tables."""
        yield ProjectBatch(self.rows, [scenario for row in self.rows for scenario in row.scenarios])
        for shared in self.shared():
            yield ProjectBatch(shared=shared)

    def largest(self, count: int) -> list[AssessmentRow]:
        """The dearest ones, or where amounts do not compare those with most machines."""
        size: Callable[[AssessmentRow], Any] = lambda row: row.monthly_cost if self.currency else row.machines  # noqa: E731
        return sorted(self.rows, key=size, reverse=True)[:count]


def why_no_total(report: ProjectReport) -> str:
    """Why the assessments are not added up."""
    if not report.currency:
        return f"Not added up: the assessments are in several currencies ({', '.join(report.currencies)})."
    return f"Not added up: {report.shared_machines:,} machines are in several of the assessments."


R = Column[AssessmentRow]


def _scenario_column(scenario: str) -> R:
    return R(
        heading=f"Total monthly cost, {scenario_words(scenario)} {{currency}}",
        key=f"{scenario}_monthly_cost",
        kind=Kind.MONEY,
        width=18,
        value=lambda row: row.cost_in(scenario),
        coded=lambda row: row.cost_in(scenario),
    )


ASSESSMENTS: tuple[R, ...] = (
    R(heading="Assessment", key="assessment_name", width=32),
    R(heading="Group", key="group_name", width=24),
    R(heading="Run", key="run_number", kind=Kind.COUNT, width=7),
    R(heading="Run of (UTC)", key="run_at", kind=Kind.INSTANT, width=17),
    R(heading="Settings", key="settings", width=60),
    R(heading="Target location", key="target_region", width=18),
    R(heading="Currency", key="currency", width=9),
    R(heading="Machines", key="machines", kind=Kind.COUNT, width=10),
    R(heading="Of them in other assessments too", key="shared_machines", kind=Kind.COUNT, width=14),
    R(heading="Ready for Azure", key="ready_machines", kind=Kind.COUNT, width=10),
    R(heading="Ready with conditions", key="ready_with_conditions_machines", kind=Kind.COUNT, width=12),
    R(heading="Not ready for Azure", key="not_ready_machines", kind=Kind.COUNT, width=10),
    R(heading="Readiness unknown", key="unknown_machines", kind=Kind.COUNT, width=11),
    R(heading="Confidence rating", key="confidence_stars", width=14, value=lambda row: stars(row.confidence_stars)),
    R(heading="Utilization data collected(%)", key="confidence_percent", kind=Kind.NUMBER, missing=NOT_APPLICABLE),
    R(heading="Compute monthly cost {currency}", key="compute_monthly_cost", kind=Kind.MONEY),
    R(heading="Storage monthly cost {currency}", key="storage_monthly_cost", kind=Kind.MONEY),
    R(heading="Total monthly cost {currency}", key="monthly_cost", kind=Kind.MONEY),
    R(
        heading="Chosen scenario",
        key="chosen_scenario",
        width=32,
        value=lambda row: scenario_words(row.chosen_scenario),
    ),
    R(
        heading="Cheapest scenario",
        key="cheapest_scenario",
        width=32,
        value=lambda row: row.cheapest_scenario and scenario_words(row.cheapest_scenario),
        missing=NOT_APPLICABLE,
    ),
    R(heading="Its total monthly cost {currency}", key="cheapest_monthly_cost", kind=Kind.MONEY),
    R(heading="Freshness", key="freshness", width=34, value=lambda row: worded(FRESHNESS, row.freshness)),
    R(heading="Catalog", key="catalog_name", width=22),
    R(heading="Catalog date", key="catalog_date", kind=Kind.DAY, width=12),
    R(heading="Rule set", key="rule_set", width=12),
    R(heading="Run id", key="run", width=38),
    *(_scenario_column(scenario) for scenario in SCENARIO_COSTS),
)

S = Column[ProjectScenarioRow]
SCENARIOS: tuple[S, ...] = (
    S(heading="Assessment", key="assessment_name", width=32),
    S(heading="Scenario", key="scenario", width=36, value=lambda row: scenario_words(row.scenario)),
    S(heading="Chosen", key="is_chosen", width=9, value=lambda row: "Yes" if row.is_chosen else "No"),
    S(heading="Currency", key="currency", width=9),
    S(heading="Machines", key="machines", kind=Kind.COUNT, width=10),
    S(heading="Machines with a price", key="priced_machines", kind=Kind.COUNT, width=12),
    S(heading="Compute monthly cost {currency}", key="compute_monthly_cost", kind=Kind.MONEY),
    S(heading="Storage monthly cost {currency}", key="storage_monthly_cost", kind=Kind.MONEY),
    S(heading="Total monthly cost {currency}", key="monthly_cost", kind=Kind.MONEY),
)

M = Column[SharedMachineRow]
SHARED: tuple[M, ...] = (
    M(heading="Machine", key="machine_name", width=32),
    M(heading="Assessments", key="assessments", kind=Kind.COUNT, width=12),
    M(heading="Which", key="assessment_names", width=90),
)

PROJECT_SHEETS: tuple[Sheet, ...] = (
    Sheet("Assessments", "assessments", ASSESSMENTS, "One row an assessment: its run, readiness, costs, freshness"),
    Sheet("Scenarios", "scenarios", SCENARIOS, "Every assessment in every pricing scenario"),
    Sheet("Machines_In_Several", "shared", SHARED, "Machines that are in several of the assessments"),
)


def project_lines(report: ProjectReport, assessments: Table = NO_TABLE) -> list[Line]:
    """Labels and values of the first sheet; sums as formulas over the rows, where there may be sums."""
    dates = sorted({row.catalog_date for row in report.rows})
    lines = [
        Line(label="Tenant", value=report.tenant_name),
        Line(label="Project", value=report.project_name),
        Line(label="Asked for on (UTC)", value=report.created_at, kind=Kind.INSTANT),
        Line(label="Assessments", value=len(report.rows), kind=Kind.COUNT),
        Line(label="Machines, each counted once", value=report.machines, kind=Kind.COUNT),
        Line(label="Machines in several assessments", value=report.shared_machines, kind=Kind.COUNT),
        Line(label="Currency", value=", ".join(report.currencies)),
        *_totals(report, assessments),
        Line(label="Prices of", value=" to ".join(f"{day:%Y-%m-%d}" for day in (dates[0], dates[-1])[: len(dates)])),
        *(Line(label="Note", value=note) for note in project_notes(report)),
        Line(label="Schema version", value=SCHEMA_VERSION),
    ]
    return [*lines, Line(label="Link", value=report.url)] if report.url else lines


def _totals(report: ProjectReport, assessments: Table) -> list[Line]:
    if not report.is_addable:
        return [Line(label="Total monthly cost", value=why_no_total(report))]

    def total(label: str, key: str) -> Line:
        value = sum((getattr(row, key) for row in report.rows), Decimal(0))
        words, formula = f"{label} {report.currency}", sum_formula(assessments, key)
        return Line(label=words, value=value, kind=Kind.MONEY, name=f"project_{key}", formula=formula)

    return [
        total("Total monthly cost", "monthly_cost"),
        total("Compute monthly cost", "compute_monthly_cost"),
        total("Storage monthly cost", "storage_monthly_cost"),
    ]


def project_notes(report: ProjectReport) -> list[str]:
    """What a reader must know before comparing the rows."""
    notes = ["Each row shows the run that was published when this report was asked for."]
    if not report.currency:
        notes.append("Amounts are in the currency that stands in their row; amounts of different rows do not compare.")
    if report.shared_machines:
        notes.append(
            f"{report.shared_machines:,} machines are in several assessments and count in the costs of each: "
            "see Machines_In_Several."
        )
    if len({row.catalog_date for row in report.rows}) > 1:
        notes.append("The assessments were priced from catalogs of different days.")
    stale = sum(row.freshness != "current" for row in report.rows)
    if stale:
        notes.append(f"{stale:,} of {len(report.rows):,} assessments are not current: see the column Freshness.")
    return notes


def project_content(report: ProjectReport) -> Content:
    """The report as CSV files and JSON lines have it."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "tenant_name": report.tenant_name,
        "project_name": report.project_name,
        "created_at": report.created_at,
        "assessments": len(report.rows),
        "machines": report.machines,
        "shared_machines": report.shared_machines,
        "currencies": report.currencies,
        "monthly_cost": sum((row.monthly_cost for row in report.rows), Decimal(0)) if report.is_addable else None,
        "notes": project_notes(report),
    }
    return Content(
        table="project_report",
        head={name: value for name, value in head.items() if value is not None},
        pairs=[(OVERVIEW, project_lines(report))],
        currency=report.currency,
        sheets=PROJECT_SHEETS,
        batches=report.batches,
    )
