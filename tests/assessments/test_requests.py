"""What an assessment refuses, and how it says so. No worker: nothing here may be queued."""

from typing import Any

import pytest

from migrate_hub.jobs.models import Job
from tests import make
from tests.estate import enrolled, group_of_all, machine

pytestmark = pytest.mark.usefixtures("catalog")


@pytest.fixture(scope="module")
def place() -> tuple[make.Cast, str, str]:
    """A cast, a project with one machine, and a group of it."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    return cast, project, group_of_all(cast.bob, project)


def ask(place: tuple[make.Cast, str, str], **settings: Any) -> Any:
    cast, project, group = place
    return cast.bob.post(f"projects/{project}/groups/{group}/assessments/", {"name": "a", "settings": settings})


def window(start: str, end: str) -> dict[str, Any]:
    return {"performance_window": {"start": start, "end": end}}


BAD_SETTINGS: list[tuple[dict[str, Any], str, str]] = [
    ({"unheard_of": 1}, "invalid", "settings.unheard_of"),
    ({"percentile": 96}, "invalid", "settings.percentile"),
    ({"comfort_factor": 0.9}, "invalid", "settings.comfort_factor"),
    ({"comfort_factor": 2.1}, "invalid", "settings.comfort_factor"),
    ({"comfort_factor": "NaN"}, "invalid", "settings.comfort_factor"),
    ({"performance_window": "2_days"}, "invalid", "settings.performance_window"),
    (window("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), "invalid", "settings.performance_window"),
    (window("2026-01-01T00:00:00", "2026-01-02T00:00:00Z"), "invalid", "settings.performance_window"),
    (window("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"), "invalid", "settings.performance_window"),
    (window("2010-01-01T00:00:00Z", "2010-01-02T00:00:00Z"), "invalid", "settings.performance_window"),
    (window("2340-01-01T00:00:00Z", "2340-01-02T00:00:00Z"), "invalid", "settings.performance_window"),
    (window("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00+14:00"), "invalid", "settings.performance_window"),
    ({"sizing_criterion": "guess"}, "invalid", "settings.sizing_criterion"),
    ({"disk_types": ["automatic", "ultra"]}, "invalid", "settings.disk_types"),
    ({"discount_percent": 101}, "invalid", "settings.discount_percent"),
    ({"uptime": {"days_per_month": 32}}, "invalid", "settings.uptime.days_per_month"),
    ({"rule_set": "am-1999"}, "invalid", "settings.rule_set"),
    ({"target_region": "atlantis"}, "unknown_region", ""),
    ({"currency": "XTS"}, "unknown_currency", ""),
    ({"sku_families": ["dsv99"]}, "unknown_sku_family", "settings.sku_families"),
    ({"catalog": "01a204ec-7314-731f-a4ef-b2fd8d6c0999"}, "unknown_catalog", ""),
    ({"commitment": "reservation_1y", "discount_percent": 5}, "settings_conflict", "settings.commitment"),
    ({"commitment": "savings_plan_3y", "uptime": {"hours_per_day": 10}}, "settings_conflict", "settings.uptime"),
    ({"commitment": "reservation_3y", "offer": "dev_test"}, "settings_conflict", "settings.offer"),
    ({"rule_set": "am-2019-07", "disk_types": ["ultra"]}, "disk_type_not_offered", "settings.rule_set"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "code", "field"), BAD_SETTINGS, ids=[str(case[0]) for case in BAD_SETTINGS])
def test_a_bad_setting_is_refused_by_name(place: Any, settings: dict[str, Any], code: str, field: str) -> None:
    answer = ask(place, **settings)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, code), problem
    assert answer["Content-Type"] == "application/problem+json"
    assert not field or field in {error["field"] for error in problem["errors"]}


def test_nothing_is_queued_for_what_was_refused(place: Any) -> None:
    cast, project, _ = place
    ask(place, target_region="atlantis")
    assert cast.bob.ok(cast.bob.get(f"projects/{project}/assessments/"))["results"] == []
    assert not Job.objects.filter(tenant=cast.tenant).exists()


def test_an_empty_group_is_refused(place: Any) -> None:
    cast, project, _ = place
    group = cast.bob.ok(cast.bob.post(f"projects/{project}/groups/", {"name": "empty"}), 201)["id"]
    answer = cast.bob.post(f"projects/{project}/groups/{group}/assessments/", {"name": "a"})
    assert (answer.status_code, answer.json()["code"]) == (400, "empty_group")


def test_a_reader_may_not_assess(place: Any) -> None:
    cast, project, group = place
    answer = cast.rita.post(f"projects/{project}/groups/{group}/assessments/", {"name": "a"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_every_default_is_shown_and_the_region_may_be_named_as_people_do() -> None:
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("sql-01")], target_region="West Europe", currency="EUR")
    group = group_of_all(cast.bob, project)
    made = cast.bob.ok(cast.bob.post(f"projects/{project}/groups/{group}/assessments/", {"name": "a"}), 202)
    catalog = made["settings"].pop("catalog")
    assert catalog
    assert made["settings"] == {
        "target_region": "westeurope",
        "sizing_criterion": "performance_based",
        "performance_window": "1_day",
        "percentile": 95,
        "comfort_factor": 1.3,
        "sku_families": [],
        "disk_types": ["automatic"],
        "offer": "pay_as_you_go",
        "commitment": "none",
        "hybrid_benefit": "windows",
        "currency": "EUR",
        "discount_percent": 0.0,
        "uptime": {"days_per_month": 31, "hours_per_day": 24},
        "rule_set": "am-2025",
        "price_sheet": None,
        "commitment_rule": "strict",
        "unknown_limits": {"disk": "refuse", "network": "accept_with_issue"},
    }
    assert made["status"] in {"created", "running"}
    assert "summary" not in made
    assert cast.bob.get(f"projects/{project}/assessments/{made['id']}/machines/").json()["code"] == "no_results_yet"
    second = cast.bob.post(f"projects/{project}/assessments/{made['id']}/recalculate/")
    assert (second.status_code, second.json()["code"]) == (409, "run_unfinished")
    cancelled = cast.bob.ok(cast.bob.post(f"projects/{project}/assessments/{made['id']}/cancel/"), 202)
    assert cancelled["failure"]["code"] == "cancelled"
    taken = cast.bob.post(f"projects/{project}/groups/{group}/assessments/", {"name": "a"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
