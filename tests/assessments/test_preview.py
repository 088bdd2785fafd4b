"""A preview of settings on a sample: what it says is what a run says, and it writes nothing."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ingest.rollup_models import Rollup
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.assessments.varied import varied_estate
from tests.estate import assessed, enrolled, group_of_all, machine, machine_ids

MACHINES = 24
SETTINGS: list[dict[str, Any]] = [
    {},
    {"sizing_criterion": "as_on_premises", "comfort_factor": 1},
    {"percentile": 99, "comfort_factor": 1.5, "performance_window": "1_week", "currency": "EUR"},
    {"commitment": "reservation_3y", "hybrid_benefit": "none", "disk_types": ["premium_ssd"]},
    {"hybrid_benefit": "none", "discount_percent": 12.5, "uptime": {"days_per_month": 20, "hours_per_day": 10}},
]


@pytest.fixture(scope="module")
def place(background: None, catalog: None) -> tuple[make.Cast, str, str]:
    """A cast, a project of machines that differ, and the group of all of them."""
    cast = make.cast()
    project, group, _ = varied_estate(cast.bob, machines=MACHINES, days=2, seed=7)
    return cast, project, group


def ask(place: tuple[make.Cast, str, str], *, sample: int = 50, **settings: Any) -> Any:
    cast, project, group = place
    path = f"projects/{project}/groups/{group}/assessments/preview/"
    return cast.bob.post(path, {"settings": settings, "sample": sample})


def shown(place: tuple[make.Cast, str, str], *, sample: int = 50, **settings: Any) -> Any:
    return place[0].bob.ok(ask(place, sample=sample, **settings))


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_preview_of_every_machine_says_what_the_run_says_to_the_cent(
    place: tuple[make.Cast, str, str], settings: dict[str, Any]
) -> None:
    cast, project, group = place
    summary = assessed(cast.bob, project, group, **settings)["summary"]
    found = shown(place, **settings)
    assert (found["sample"], found["machines"]) == (MACHINES, MACHINES)
    assert found["readiness"] == summary["readiness"]
    assert found["currency"] == summary["currency"]
    assert found["monthly_cost"] == {name: summary["monthly_cost"][name] for name in found["monthly_cost"]}
    for name, scenario in found["scenarios"].items():
        assert scenario == {key: summary["scenarios"][name][key] for key in scenario}, name
    assert Decimal(found["monthly_cost"]["total"]) > 0


def test_the_machines_of_a_sample_are_shown_as_the_run_decides_them(place: tuple[make.Cast, str, str]) -> None:
    cast, project, group = place
    ended = assessed(cast.bob, project, group)
    rows = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/{ended['id']}/machines/"))["results"]
    examples = shown(place, sample=6)["examples"]
    assert len(examples) == 3
    assert [each["cores"] for each in examples] == sorted(each["cores"] for each in examples)
    decided: Mapping[str, Any] = {row["machine"]: row for row in rows}
    for example in examples:
        row = decided[example["machine"]]
        assert example["readiness"] == row["readiness"]
        assert example.get("recommended_sku") == row.get("recommended_sku")
        assert example.get("cpu_percent") == row["observed"].get("cpu_percent")


def test_the_same_sample_is_taken_again_whatever_the_settings_and_it_is_spread(
    place: tuple[make.Cast, str, str],
) -> None:
    first, again = shown(place, sample=9), shown(place, sample=9, comfort_factor=2)
    assert first["sample"] == 9
    assert first["machines"] == MACHINES
    assert [each["machine"] for each in first["examples"]] == [each["machine"] for each in again["examples"]]
    assert len({each["cores"] for each in first["examples"]}) > 1


def test_a_preview_writes_nothing(place: tuple[make.Cast, str, str]) -> None:
    cast, project, _ = place
    before = _written(cast, project)
    shown(place, performance_window="1_month")
    assert _written(cast, project) == before


def _written(cast: make.Cast, project: str) -> tuple[Any, Any, int]:
    """Assessments and audit trail over the API, and the kept percentiles, which no address lists."""
    trail = cast.alice.ok(cast.alice.get("audit/"))["results"]
    listed = cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/"))["results"]
    with tenant_context(cast.tenant.id):
        return listed, trail[0], Rollup.objects.filter(tenant_id=cast.tenant.id).count()


def test_a_preview_asks_as_many_queries_for_three_machines_as_for_sixty(catalog: None) -> None:
    counts = []
    for machines in (3, 60):
        cast = make.cast()
        project, _ = enrolled(cast.bob, [machine(f"m-{number:02}") for number in range(machines)])
        group = group_of_all(cast.bob, project)
        ask((cast, project, group))
        with CaptureQueriesContext(connection) as queries:
            assert shown((cast, project, group), sample=60)["sample"] == machines
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 20


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"comfort_factor": 9}, "settings.comfort_factor"),
        ({"commitment": "reservation_1y", "discount_percent": 5}, "settings.discount_percent"),
        ({"sku_families": ["dsv99"]}, "settings.sku_families"),
    ],
)
def test_settings_that_no_assessment_takes_are_refused_as_there(
    place: tuple[make.Cast, str, str], settings: dict[str, Any], field: str
) -> None:
    cast, project, group = place
    refused = ask(place, **settings)
    made = cast.bob.post(f"projects/{project}/groups/{group}/assessments/", {"name": "refused", "settings": settings})
    assert refused.status_code == made.status_code == 400
    assert refused.json()["code"] == made.json()["code"]
    assert field in [problem["field"] for problem in refused.json()["errors"]]


@pytest.mark.parametrize("sample", [0, 201, "many", None])
def test_a_sample_is_of_1_to_200_machines(place: tuple[make.Cast, str, str], sample: Any) -> None:
    cast, project, group = place
    refused = cast.bob.post(f"projects/{project}/groups/{group}/assessments/preview/", {"sample": sample})
    assert refused.status_code == 400
    assert [problem["field"] for problem in refused.json()["errors"]] == ["sample"]


def test_a_group_without_machines_has_no_preview(place: tuple[make.Cast, str, str]) -> None:
    cast, project, _ = place
    empty = cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", {"name": f"empty {uuid4().hex[:6]}"}), 201)["id"]
    refused = ask((cast, project, empty))
    assert (refused.status_code, refused.json()["code"]) == (400, "empty_group")


def test_readers_and_strangers_get_no_preview(place: tuple[make.Cast, str, str]) -> None:
    cast, project, group = place
    path = f"projects/{project}/groups/{group}/assessments/preview/"
    assert cast.rita.post(path, {}).status_code == 403
    theirs = make.cast().bob.post(path, {})
    absent = make.cast().bob.post(f"projects/{uuid4()}/groups/{uuid4()}/assessments/preview/", {})
    assert theirs.status_code == absent.status_code == 404


def test_machines_without_history_are_sized_by_what_they_have(catalog: None) -> None:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("quiet-01")])
    found = shown((cast, project, group_of_all(cast.bob, project)))
    (example,) = found["examples"]
    assert example["machine"] == machine_ids(cast.bob, project)["quiet-01"]
    assert "cpu_percent" not in example
    assert example["recommended_cores"] >= 4
