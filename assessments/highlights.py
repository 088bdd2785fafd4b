"""What to look at first in a run: the machines that stand in the way, cost the most, or rest on little."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Q, Sum

from assessments.catalog.models import Sku
from assessments.filters import OVERSIZED, Machines, filtered, is_oversized, of_run, order_of
from assessments.models import AssessmentRun
from assessments.results import amount_text
from assessments.run_cache import kept_by_run

TOP = 3
LOW_STARS = 2
STALE_AFTER_DAYS = 30
UNKNOWN_LIMITS = ("limit_unknown", "disk_limit_unknown", "network_limit_unknown")
NO_DATA = "percentage_of_cores_utilized_missing"
# Upper bounds of the classes of expected utilization, in percent of the recommended size.
BOUNDS = (20, 40, 60, 80)


@dataclass(frozen=True)
class Highlight:
    """Machines to look at: how many, what they come to, the first of them, and the filter that lists them all."""

    code: str
    machines: int
    query: Mapping[str, str]
    cores: int = 0
    monthly_cost: str = "0.00"
    monthly_saving: str = "0.00"
    top: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Headroom:
    """How busy the CPUs of sized machines with a known utilization are, on premises and on the recommended sizes.

    Percent are of all their cores together. `classes` counts machines by expected percent: up to each of BOUNDS, above.
    """

    machines: int
    observed_percent: float
    expected_percent: float
    cores: int
    recommended_cores: int
    classes: tuple[int, ...] = field(default=())


def insights_of(run: AssessmentRun) -> dict[str, Any]:
    """`look_at`, Highlights in order of what matters most, and `headroom`, absent where no utilization was looked at.

    Stored with the summary of a run when it is published, as plain JSON; computed for runs from before that.
    """
    stored: dict[str, Any] | None = (run.summary or {}).get("insights")
    return compute_insights(run) if stored is None else stored


@kept_by_run
def compute_insights(run: AssessmentRun) -> dict[str, Any]:
    """By a fixed number of queries over the rows of a run that are all there."""
    by_performance = run.settings["sizing_criterion"] == "performance_based"
    headroom = _headroom(run)
    return {
        "look_at": [asdict(each) for each in _look_at(run, by_performance=by_performance)],
        **({} if headroom is None else {"headroom": asdict(headroom)}),
    }


@dataclass(frozen=True)
class _Kind:
    """A reason to look at machines: which, in which order, and how the result table is asked for them."""

    code: str
    which: Q
    query: Mapping[str, str]


def _kinds(*, by_performance: bool) -> list[_Kind]:
    kinds = [
        _Kind("not_ready", Q(readiness="not_ready"), {"readiness": "not_ready", "sort": "-cores"}),
        _Kind("readiness_unknown", Q(readiness="unknown"), {"readiness": "unknown", "sort": "-monthly_cost"}),
        _Kind("savings", Q(monthly_saving__gt=0), {"sort": "-monthly_saving"}),
    ]
    if by_performance:
        kinds += [
            _Kind("oversized", is_oversized(), {"fit": OVERSIZED, "sort": "-cores"}),
            _Kind("no_data", Q(data_issues__contains=[NO_DATA]), {"issue": NO_DATA, "sort": "-monthly_cost"}),
            _Kind(
                "low_confidence",
                Q(confidence_stars__lte=LOW_STARS),
                {"max_stars": str(LOW_STARS), "sort": "-monthly_cost"},
            ),
        ]
    return kinds + [
        _Kind(code, Q(issues__contains=[code]) | Q(data_issues__contains=[code]), {"issue": code})
        for code in UNKNOWN_LIMITS
    ]


def _look_at(run: AssessmentRun, *, by_performance: bool) -> tuple[Highlight, ...]:
    kinds = _kinds(by_performance=by_performance)
    columns = {
        f"{kind.code}_{name}": total(column, filter=kind.which)
        for kind in kinds
        for name, total, column in (
            ("machines", Count, "id"),
            ("cores", Sum, "cores"),
            ("cost", Sum, "monthly_cost"),
            ("saving", Sum, "monthly_saving"),
        )
    }
    found = of_run(run).aggregate(**columns)
    return tuple(
        Highlight(
            code=kind.code,
            machines=found[f"{kind.code}_machines"],
            query=kind.query,
            cores=found[f"{kind.code}_cores"] or 0,
            monthly_cost=_text(found[f"{kind.code}_cost"]),
            monthly_saving=_text(found[f"{kind.code}_saving"]),
            top=_top(run, kind.query),
        )
        for kind in kinds
        if found[f"{kind.code}_machines"]
    )


def _text(amount: Decimal | None) -> str:
    return amount_text(amount or Decimal(0)) or ""


def _top(run: AssessmentRun, query: Mapping[str, str]) -> tuple[dict[str, Any], ...]:
    """The first machines of the list that the query asks for."""
    rows: Machines = filtered(of_run(run), run, query).order_by(*order_of(query.get("sort", "name")))
    columns = ("machine_id", "name", "cores", "recommended_sku", "monthly_cost", "monthly_saving")
    return tuple(
        {
            "machine": str(row["machine_id"]),
            "name": row["name"],
            "cores": row["cores"],
            **({"recommended_sku": row["recommended_sku"]} if row["recommended_sku"] else {}),
            "monthly_cost": _text(row["monthly_cost"]),
            "monthly_saving": _text(row["monthly_saving"]),
        }
        for row in rows.values(*columns)[:TOP]
    )


HEADROOM_SQL = f"""
SELECT width_bucket(m.cores * (m.inputs -> 'cpu_percent' ->> 0)::numeric / s.vcpus, ARRAY{list(BOUNDS)}::numeric[]),
       count(*), sum(m.cores), sum(s.vcpus), sum(m.cores * (m.inputs -> 'cpu_percent' ->> 0)::numeric)
FROM assessments_assessedmachine m
JOIN {Sku._meta.db_table} s ON s.catalog_id = %s AND s.name = m.recommended_sku
WHERE m.tenant_id = %s AND m.run_id = %s AND m.cores > 0 AND (m.inputs -> 'cpu_percent' ->> 0) IS NOT NULL
GROUP BY 1
"""


def _headroom(run: AssessmentRun) -> Headroom | None:
    with connection.cursor() as cursor:
        cursor.execute(HEADROOM_SQL, [run.catalog_id, run.tenant_id, run.id])
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    if not rows:
        return None
    machines, cores, vcpus, used = (sum(row[column] for row in rows.values()) for column in range(4))
    return Headroom(
        machines=machines,
        observed_percent=round(float(used / cores), 1),
        expected_percent=round(float(used / vcpus), 1),
        cores=int(cores),
        recommended_cores=int(vcpus),
        classes=tuple(int(rows[place][0]) if place in rows else 0 for place in range(len(BOUNDS) + 1)),
    )


def price_age_days(run: AssessmentRun, today: date) -> int:
    """How old the prices of a run are."""
    return (today - run.catalog.as_of).days
