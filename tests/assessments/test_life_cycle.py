"""An assessment over the API, from a question to rows, with a real worker."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from assessments.models import Assessment
from assessments.queueing import queue_run
from groups.membership import change_members
from groups.models import Group
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import (
    Appliance,
    assessed,
    enrolled,
    finished,
    group_of_all,
    last_full_hour,
    machine,
    machine_ids,
    points,
)

pytestmark = pytest.mark.usefixtures("catalog", "background")


def sized(*, cpu_percent: float = 20.0, memory_percent: float = 40.0, **settings: Any) -> dict[str, Any]:
    """The row of one Windows machine of 4 cores and 16 GB with a day of flat utilization."""
    api = make.cast().bob
    project, appliance = enrolled(api, [machine("sql-01")])
    start = last_full_hour() - timedelta(days=1)
    flat: dict[str, Any] = {"cpu_percent": [cpu_percent] * 144, "memory_percent": [memory_percent] * 144}
    appliance.performance([points("sql-01", start, **flat)])
    assessment = assessed(api, project, group_of_all(api, project), **settings)
    rows = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/machines/"))["results"]
    row: dict[str, Any] = rows[0]
    return row


def test_a_quiet_machine_gets_a_smaller_size() -> None:
    row = sized()
    assert row["readiness"] == "ready"
    assert row["observed"]["cpu_percent"] == 20
    assert row["required"]["cores"] == 1.04  # 4 cores x 20 % x 1.3
    assert row["required"]["memory_mb"] == 8519.68  # 16,384 MB x 40 % x 1.3
    assert row["confidence"] == {"applicable": True, "percent": 100.0, "stars": 5}
    assert Decimal(row["monthly_compute_cost"]) > 0
    assert {issue["code"] for issue in row["data_issues"]} <= {"network_limit_unknown"}


def test_as_on_premises_looks_at_no_utilization() -> None:
    row = sized(sizing_criterion="as_on_premises", comfort_factor=1)
    assert row["required"]["cores"] == 4
    assert row["observed"] == {}
    assert row["confidence"] == {"applicable": False, "reason": "as_on_premises"}


def test_every_scenario_has_a_price_or_a_reason() -> None:
    scenarios = sized()["scenarios"]
    assert len(scenarios) == 11
    assert Decimal(scenarios["pay_as_you_go_hybrid_benefit"]["monthly_compute_cost"]) < Decimal(
        scenarios["pay_as_you_go"]["monthly_compute_cost"]
    )
    assert scenarios["dev_test"] == {"unpriced": "no_price_in_catalog"}


def test_the_headline_is_the_chosen_scenario() -> None:
    row = sized(commitment="reservation_3y", hybrid_benefit="none")
    assert row["monthly_compute_cost"] == row["scenarios"]["reservation_3y"]["monthly_compute_cost"]
    assert row["recommended_sku"] == row["scenarios"]["reservation_3y"]["sku"]


def test_the_stars_of_a_run_are_those_of_its_machines() -> None:
    api = make.cast().bob
    project, appliance = enrolled(api, [machine("sql-01")])
    appliance.performance([points("sql-01", last_full_hour() - timedelta(days=1), 60)])
    done = assessed(api, project, group_of_all(api, project))
    row = api.ok(api.get(f"projects/{project}/assessments/{done['id']}/machines/"))["results"][0]
    rating = done["summary"]["confidence"]
    assert 40 < rating["percent"] < 42
    assert (row["confidence"]["stars"], rating["stars"]) == (3, 3)


def test_summary_and_rows_agree() -> None:
    api = make.cast().bob
    names = [f"m-{number:02}" for number in range(12)]
    systems = ["Microsoft Windows Server 2019 (64-bit)", "Ubuntu Linux (64-bit)", "Other (32-bit)"]
    listed = [machine(name, operating_system=systems[i % 3], cores=1 + i) for i, name in enumerate(names)]
    project, _ = enrolled(api, listed)
    assessment = assessed(api, project, group_of_all(api, project))
    path = f"projects/{project}/assessments/{assessment['id']}/machines/"
    rows = api.ok(api.get(path))["results"]
    summary = assessment["summary"]
    assert summary["machines"] == len(rows) == 12
    assert sum(summary["readiness"].values()) == 12
    compute = sum(Decimal(row["monthly_compute_cost"]) for row in rows)
    storage = sum(Decimal(row["monthly_storage_cost"]) for row in rows)
    assert Decimal(summary["monthly_cost"]["compute"]) == compute
    assert Decimal(summary["monthly_cost"]["storage"]) == storage
    assert Decimal(summary["monthly_cost"]["total"]) == compute + storage
    for name, total in summary["scenarios"].items():
        costs = [row["scenarios"][name].get("monthly_compute_cost") for row in rows]
        assert total["priced_machines"] == sum(cost is not None for cost in costs)
        assert 0 <= total["priced_sizes"] <= total["sizes"]
        assert Decimal(total.get("monthly_compute_cost", 0)) == sum(Decimal(cost) for cost in costs if cost)
    by_readiness = api.ok(api.get(path + "?readiness=unknown"))["results"]
    assert len(by_readiness) == summary["readiness"]["unknown"] == 4


def test_rows_page_by_cursor_without_gap_or_repetition() -> None:
    api = make.cast().bob
    project, _ = enrolled(api, [machine(f"m-{number}") for number in range(7)])
    assessment = assessed(api, project, group_of_all(api, project))
    url, seen = f"projects/{project}/assessments/{assessment['id']}/machines/?page_size=3", []
    while url:
        page = api.ok(api.get(url.replace("http://testserver", "")))
        seen += [row["name"] for row in page["results"]]
        url = page["next"]
    assert seen == [f"m-{number}" for number in range(7)]


def test_the_trace_agrees_with_the_row() -> None:
    api = make.cast().bob
    project, appliance = enrolled(api, [machine("sql-01")])
    appliance.performance([points("sql-01", last_full_hour() - timedelta(days=1))])
    assessment = assessed(api, project, group_of_all(api, project))
    one = machine_ids(api, project)["sql-01"]
    detail = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/machines/{one}/"))
    trace = detail["trace"]
    chosen = next(scenario for scenario in trace["scenarios"] if scenario["name"] == trace["headline"])
    assert chosen["size"] == detail["recommended_sku"]
    assert Decimal(chosen["monthly_compute_cost"]) == Decimal(detail["monthly_compute_cost"])
    assert Decimal(trace["monthly_storage_cost"]) == Decimal(detail["monthly_storage_cost"])
    assert chosen["runner_up"]["price_gap"]
    assert trace["observed"][0] == {"metric": "cpu_percent", "value": "20", "points": 144, "expected_points": 144}
    assert trace["catalog"]["as_of"]
    assert [disk["recommended_sku"] for disk in detail["disks"]]
    assert detail["nics"][0]["observed"]["transmitted_mbps"] == 2.0


def test_recalculating_keeps_the_last_results_readable_and_gives_a_new_run() -> None:
    api = make.cast().bob
    project, _ = enrolled(api, [machine("sql-01")])
    assessment = assessed(api, project, group_of_all(api, project))
    path = f"projects/{project}/assessments/{assessment['id']}/"
    again = api.ok(api.post(path + "recalculate/"), 202)
    assert again["summary"] == assessment["summary"]
    assert api.get(path + "machines/").status_code == 200
    assert finished(api, project, assessment["id"])["run"]["number"] == 2


def test_changed_settings_give_a_new_run_and_keep_the_others() -> None:
    api = make.cast().bob
    project, _ = enrolled(api, [machine("sql-01")])
    assessment = assessed(api, project, group_of_all(api, project), comfort_factor=1.5)
    path = f"projects/{project}/assessments/{assessment['id']}/"
    changes = {"hybrid_benefit": "none", "uptime": {"hours_per_day": 10}, "discount_percent": 12.5}
    api.ok(api.patch(path, {"settings": changes}), 202)
    after = finished(api, project, assessment["id"])
    assert after["run"]["settings"]["comfort_factor"] == 1.5
    assert after["run"]["settings"]["discount_percent"] == 12.5
    assert after["run"]["settings"]["hybrid_benefit"] == "none"
    assert after["run"]["settings"]["uptime"] == {"days_per_month": 31, "hours_per_day": 10}


def test_a_changed_group_makes_the_result_out_of_sync() -> None:
    api = make.cast().bob
    project, _ = enrolled(api, [machine("sql-01"), machine("web-01")])
    ids = machine_ids(api, project)
    group = api.ok(api.post(f"projects/{project}/groups/", {"name": "g", "machines": [ids["sql-01"]]}), 201)["id"]
    assessment = assessed(api, project, group)
    assert assessment["freshness"] == "current"
    exchange = {"add": [ids["web-01"]], "remove": [ids["sql-01"]]}
    api.ok(api.post(f"projects/{project}/groups/{group}/machines/", exchange))
    after = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/"))
    assert after["freshness"] == "out_of_sync"
    told = [(reason["code"], reason.get("name")) for reason in after["freshness_reasons"]]
    assert told == [("group_changed", None), ("machine_joined", "web-01"), ("machine_left", "sql-01")]
    assert after["summary"]["machines"] == 1


def test_a_machine_that_joins_before_the_run_is_planned_is_in_it_and_in_sync() -> None:
    cast = make.cast()
    api = cast.bob
    project, _ = enrolled(api, [machine("sql-01"), machine("web-01")])
    ids = machine_ids(api, project)
    group = api.ok(api.post(f"projects/{project}/groups/", {"name": "g", "machines": [ids["sql-01"]]}), 201)["id"]
    assessment = assessed(api, project, group)
    with tenant_context(cast.tenant.id):  # one transaction: the worker sees the run and the new member together
        queue_run(Assessment.objects.get(id=assessment["id"]), timezone.now())
        change_members(Group.objects.get(id=group), add=[UUID(ids["web-01"])])
    after = finished(api, project, assessment["id"])
    assert (after["summary"]["machines"], after["freshness"]) == (2, "current")


def test_a_changed_machine_makes_the_result_outdated_and_says_what_changed() -> None:
    api = make.cast().bob
    project, appliance = enrolled(api, [machine("sql-01")])
    assessment = assessed(api, project, group_of_all(api, project))
    appliance.inventory([machine("sql-01", memory_mb=32768)])
    after = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/"))
    assert after["freshness"] == "outdated"
    reason = after["freshness_reasons"][0]
    assert (reason["name"], reason["property"], reason["old"], reason["new"]) == ("sql-01", "memory_mb", 16384, 32768)


def test_new_performance_data_changes_no_freshness() -> None:
    api = make.cast().bob
    project, appliance = enrolled(api, [machine("sql-01")])
    assessment = assessed(api, project, group_of_all(api, project))
    appliance.performance([points("sql-01", last_full_hour() - timedelta(days=1))])
    after = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/"))
    assert after["freshness"] == "current"


def test_a_machine_with_impossible_inventory_is_assessed_with_its_data_issues() -> None:
    api = make.cast().bob
    bare = {"source_id": "bare", "name": "bare", "power_state": "on", "disks": [], "nics": []}
    project, _ = enrolled(api, [bare])
    assessment = assessed(api, project, group_of_all(api, project))
    row = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/machines/"))["results"][0]
    assert row["readiness"] == "unknown"
    assert {"number_of_cores_out_of_range", "no_disks_discovered"} <= {issue["code"] for issue in row["data_issues"]}
    assert not {"cores", "memory_mb"} & set(row["required"])


def test_a_group_by_filter_is_out_of_sync_when_another_machine_matches() -> None:
    api = make.cast().bob
    project, appliance = enrolled(api, [machine("sql-01"), machine("web-01")])
    body = {"name": "databases", "filter": {"search": "sql"}}
    group = api.ok(api.post(f"projects/{project}/groups/", body), 201)["id"]
    assessment = assessed(api, project, group)
    assert assessment["freshness"] == "current"
    appliance.inventory([machine("sql-02")], snapshot=False)
    after = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/"))
    assert after["freshness"] == "out_of_sync"
    counts = {row["id"]: row["machine_count"] for row in api.ok(api.get(f"projects/{project}/groups/"))["results"]}
    assert counts[group] == 2


def test_deleting_hides_the_assessment() -> None:
    api = make.cast().bob
    project, _ = enrolled(api, [machine("sql-01")])
    assessment = assessed(api, project, group_of_all(api, project))
    path = f"projects/{project}/assessments/{assessment['id']}/"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.ok(api.get(f"projects/{project}/assessments/"))["results"] == []


def test_two_appliances_of_a_project_are_assessed_together() -> None:
    api = make.cast().bob
    project, _ = enrolled(api, [machine("sql-01")])
    Appliance(api, project).inventory([machine("web-01")])
    assessment = assessed(api, project, group_of_all(api, project))
    assert assessment["summary"]["machines"] == 2
