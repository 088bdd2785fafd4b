"""Filters, orders and totals of the machines of a run, for the API and the portal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db import connection
from django.db.models import Count, DecimalField, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from assessments.catalog.models import Sku
from assessments.engine.issues import READINESS
from assessments.models import AssessedMachine, AssessmentRun
from assessments.run_cache import kept_by_run
from assessments.settings import AUTOMATIC, DISK_TYPES
from ingest.filters import LAST_CHARACTER, possible_text
from migrate_hub.errors import DomainError

Machines: TypeAlias = "QuerySet[AssessedMachine]"
STARS = ("1", "2", "3", "4", "5")
SORTS = ("name", "monthly_cost", "monthly_saving", "cores")
OVERSIZED = "oversized"
# A machine is oversized that asks for so little of the cores it has, headroom included.
OVERSIZED_SHARE = 2


def by_name(machines: Machines, text: str) -> Machines:
    """Machines whose name starts with a text as it is written: a run keeps names, not their lower case.

    Raises DomainError 400 for a text that no name can have.
    """
    possible_text("search", text)
    return machines.filter(name__gte=text, name__lt=text + LAST_CHARACTER)


def _by_readiness(machines: Machines, run: AssessmentRun, value: str) -> Machines:
    return machines.filter(readiness=_one_of("readiness", value, READINESS))


def _by_issue(machines: Machines, run: AssessmentRun, code: str) -> Machines:
    """An issue of the machine, or one of its data."""
    possible_text("issue", code)
    return machines.filter(Q(issues__contains=[code]) | Q(data_issues__contains=[code]))


def _by_series(machines: Machines, run: AssessmentRun, series: str) -> Machines:
    possible_text("series", series)
    names = Sku.objects.filter(catalog=run.catalog_id, series=series.lower()).values("name")
    return machines.filter(recommended_sku__in=names)


def _by_stars(machines: Machines, run: AssessmentRun, value: str) -> Machines:
    return machines.filter(confidence_stars__lte=int(_one_of("max_stars", value, STARS)))


def _by_disk_type(machines: Machines, run: AssessmentRun, value: str) -> Machines:
    types = [each for each in DISK_TYPES if each != AUTOMATIC]
    return machines.filter(storage_cost_by_type__has_key=_one_of("disk_type", value, types))


def _by_fit(machines: Machines, run: AssessmentRun, value: str) -> Machines:
    _one_of("fit", value, [OVERSIZED])
    return machines.filter(is_oversized())


def is_oversized() -> Q:
    """Asks for at most half of the cores that it has."""
    asked = Cast(KeyTextTransform("cores", "required"), DecimalField(max_digits=14, decimal_places=4))
    return Q(cores__gte=asked * OVERSIZED_SHARE)


def _by_search(machines: Machines, run: AssessmentRun, text: str) -> Machines:
    return by_name(machines, text)


def _one_of(name: str, value: str, possible: Any) -> str:
    if value not in possible:
        raise DomainError(code="invalid", detail=f"{name} must be one of {', '.join(possible)}.")
    return value


FILTERS: Mapping[str, Callable[[Machines, AssessmentRun, str], Machines]] = {
    "readiness": _by_readiness,
    "issue": _by_issue,
    "series": _by_series,
    "max_stars": _by_stars,
    "disk_type": _by_disk_type,
    "fit": _by_fit,
    "search": _by_search,
}


def filtered(machines: Machines, run: AssessmentRun, asked: Mapping[str, str]) -> Machines:
    """The machines for which every filter that is asked for holds. Raises DomainError 400 for an impossible value."""
    for name, narrow in FILTERS.items():
        value = asked.get(name)
        # An empty search finds all; any other filter that is named has to say something.
        if value is not None and (value or name != "search"):
            machines = narrow(machines, run, value)
    return machines


def order_of(sort: str) -> tuple[str, ...]:
    """The total order that `sort` names, `-` for the largest first. Raises DomainError 400 for an unknown one."""
    field = sort.removeprefix("-")
    if field not in SORTS:
        names = ", ".join(name for each in SORTS for name in (each, f"-{each}"))
        raise DomainError(code="invalid", detail=f"sort must be one of {names}.")
    return sort, "-id" if sort.startswith("-") else "id"


@dataclass(frozen=True)
class Totals:
    """What some machines of a run are together; money unrounded."""

    machines: int
    priced_machines: int
    cores: int
    monthly_cost: Any
    monthly_saving: Any


def totals_of(run: AssessmentRun, asked: Mapping[str, str]) -> Totals:
    """What the machines that the filters leave come to. Raises DomainError 400 as `filtered` does."""
    return _totals_of(run, tuple(sorted((name, asked[name]) for name in FILTERS if name in asked)))


@kept_by_run
def _totals_of(run: AssessmentRun, asked: tuple[tuple[str, str], ...]) -> Totals:
    """One query over the rows, kept for the next page and the next order of the same list."""
    found = filtered(of_run(run), run, dict(asked)).aggregate(
        machines=Count("id"),
        priced_machines=Count("monthly_compute_cost"),
        cores=Sum("cores"),
        monthly_cost=Sum("monthly_cost"),
        monthly_saving=Sum("monthly_saving"),
    )
    return Totals(**{name: value or 0 for name, value in found.items()})


ISSUES_SQL = """
SELECT i.value, count(*) FROM assessments_assessedmachine m, jsonb_array_elements_text(m.{column}) i
WHERE m.tenant_id = %s AND m.run_id = %s GROUP BY i.value ORDER BY 2 DESC, 1
"""


def facets_of(run: AssessmentRun) -> dict[str, list[list[Any]]]:
    """What there is to filter by: `issues`, `data_issues` and `series`, each a list of [code, machines].

    Stored with the summary of a run when it is published; computed for runs from before that.
    """
    stored: dict[str, list[list[Any]]] | None = (run.summary or {}).get("facets")
    return compute_facets(run) if stored is None else stored


@kept_by_run
def compute_facets(run: AssessmentRun) -> dict[str, list[list[Any]]]:
    """By a fixed number of queries over the rows of a run that are all there."""
    sizes = AssessedMachine.objects.filter(run=run, recommended_sku__isnull=False).order_by()
    counts = dict(sizes.values_list("recommended_sku").annotate(machines=Count("id")))
    found: dict[str, int] = {}
    for name, series in Sku.objects.filter(catalog=run.catalog_id, name__in=counts).values_list("name", "series"):
        found[series] = found.get(series, 0) + counts[name]
    return {
        "issues": _counted(run, "issues"),
        "data_issues": _counted(run, "data_issues"),
        "series": [list(pair) for pair in sorted(found.items())],
    }


def _counted(run: AssessmentRun, column: str) -> list[list[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(ISSUES_SQL.format(column=column), [run.tenant_id, run.id])
        return [list(row) for row in cursor.fetchall()]


def of_run(run: AssessmentRun) -> Machines:
    rows: Machines = AssessedMachine.objects.filter(run=run)
    return rows
