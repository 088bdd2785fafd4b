"""The machines of a run sorted, filtered and summed up over the API, and what it says to look at first."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.assessments.varied import varied_estate
from tests.estate import assessed, enrolled, group_of_all, machine

MACHINES = 40
Run = tuple[make.Api, str]


@pytest.fixture(scope="module")
def run(background: None, catalog: None) -> Run:
    """bob's client, and the address of an assessment of machines that differ, some without history."""
    api = make.cast().bob
    project, _, appliance = varied_estate(api, machines=MACHINES - 2, days=1, seed=3)
    appliance.inventory([machine("quiet-1", cores=64), machine("quiet-2")], snapshot=False)
    group = group_of_all(api, project, "everything")
    done = assessed(api, project, group, hybrid_benefit="none")
    return api, f"projects/{project}/assessments/{done['id']}/"


def listed(run: Run, query: str = "") -> list[dict[str, Any]]:
    api, path = run
    rows: list[dict[str, Any]] = api.ok(api.get(f"{path}machines/?page_size=1000{query}"))["results"]
    return rows


def totals(run: Run, query: str = "") -> dict[str, Any]:
    api, path = run
    found: dict[str, Any] = api.ok(api.get(f"{path}totals/?{query}"))
    return found


def insights(run: Run) -> dict[str, Any]:
    api, path = run
    found: dict[str, Any] = api.ok(api.get(f"{path}insights/"))
    return found


def cost(row: Mapping[str, Any]) -> Decimal:
    return Decimal(row.get("monthly_compute_cost", 0)) + Decimal(row.get("monthly_storage_cost", 0))


def saving(row: Mapping[str, Any]) -> Decimal:
    """To the cheapest offer without own licenses, which these settings do not have, and without Dev/Test."""
    if "monthly_compute_cost" not in row:
        return Decimal(0)
    costs = [
        Decimal(each["monthly_compute_cost"])
        for name, each in row["scenarios"].items()
        if "monthly_compute_cost" in each and not name.endswith("_hybrid_benefit") and name != "dev_test"
    ]
    return Decimal(row["monthly_compute_cost"]) - min(costs)


def test_machines_are_sorted_by_cost_and_by_what_can_be_saved(run: Run) -> None:
    by_cost, by_saving = listed(run, "&sort=-monthly_cost"), listed(run, "&sort=monthly_saving")
    assert [cost(row) for row in by_cost] == sorted((cost(row) for row in by_cost), reverse=True)
    assert [saving(row) for row in by_saving] == sorted(saving(row) for row in by_saving)
    assert saving(by_saving[-1]) > 0


def test_pages_of_a_sorted_list_neither_skip_nor_repeat(run: Run) -> None:
    api, path = run
    for sort in ("-cores", "cores", "-monthly_cost", "name"):
        found, following = [], f"{path}machines/?sort={sort}&page_size=7"
        while following:
            page = api.ok(api.get(following))
            found += [row["machine"] for row in page["results"]]
            following = page["next"]
        assert len(found) == len(set(found)) == MACHINES, sort


@pytest.mark.parametrize(
    "query",
    ["", "readiness=ready", "max_stars=4", "disk_type=premium_ssd", "fit=oversized", "search=m-00",
     "issue=percentage_of_cores_utilized_missing", "readiness=ready&fit=oversized"],
)  # fmt: skip
def test_totals_are_those_of_the_machines_that_the_same_filters_list(run: Run, query: str) -> None:
    rows, found = listed(run, f"&{query}"), totals(run, query)
    assert found["machines"] == len(rows)
    assert found["priced_machines"] == sum("monthly_compute_cost" in row for row in rows)
    assert Decimal(found["monthly_cost"]) == sum(map(cost, rows), Decimal(0))
    assert Decimal(found["monthly_saving"]) == sum(map(saving, rows), Decimal(0))
    assert 0 < len(rows) <= MACHINES


def test_each_filter_leaves_the_machines_that_it_names(run: Run) -> None:
    everything = {row["machine"]: row for row in listed(run)}

    def left(query: str) -> set[str]:
        return {row["machine"] for row in listed(run, f"&{query}")}

    missing = "percentage_of_cores_utilized_missing"
    assert left(f"issue={missing}") == {
        id for id, row in everything.items() if missing in [issue["code"] for issue in row["data_issues"]]
    }
    assert {everything[id]["name"] for id in left(f"issue={missing}")} >= {"quiet-1", "quiet-2"}
    assert left("max_stars=2") == {id for id, row in everything.items() if row["confidence"].get("stars", 5) <= 2}
    series = {row["recommended_sku"] for row in everything.values() if row.get("recommended_sku", "").endswith("s_v5")}
    assert all("s_v5" in everything[id]["recommended_sku"] for id in left("series=dsv5") | left("series=esv5"))
    assert left("series=DSV5") == left("series=dsv5")
    assert left("series=dsv5") | left("series=esv5") <= {
        id for id, row in everything.items() if row.get("recommended_sku") in series
    }


@pytest.mark.parametrize(
    "query",
    ["readiness=nearly", "max_stars=6", "max_stars=", "disk_type=automatic", "fit=snug", "sort=size", "issue=%00"],
)
def test_a_filter_that_says_nothing_possible_is_refused(run: Run, query: str) -> None:
    api, path = run
    refused = api.get(f"{path}machines/?{query}")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid")


def test_each_highlight_leads_to_a_list_of_as_many_machines(run: Run) -> None:
    look_at = insights(run)["look_at"]
    assert {"savings", "oversized", "no_data"} <= {each["code"] for each in look_at}
    for each in look_at:
        query = "&".join(f"{name}={value}" for name, value in each["query"].items())
        rows = listed(run, f"&{query}")
        if each["code"] == "savings":
            rows = [row for row in rows if saving(row) > 0]
        assert each["machines"] == len(rows) > 0, each["code"]
        assert Decimal(each["monthly_cost"]) == sum(map(cost, rows), Decimal(0))
        assert Decimal(each["monthly_saving"]) == sum(map(saving, rows), Decimal(0))
        assert [top["machine"] for top in each["top"]] == [row["machine"] for row in rows[:3]]


def test_headroom_tells_how_busy_the_recommended_sizes_will_be(run: Run, catalog: None) -> None:
    api, _ = run
    newest = api.ok(api.get("catalogs/"))["results"][0]["id"]
    sizes: dict[str, int] = {}
    following = f"catalogs/{newest}/skus/?region=westeurope&page_size=1000"
    while following:
        page = api.ok(api.get(following))
        sizes |= {sku["name"]: sku["vcpus"] for sku in page["results"]}
        following = page["next"]
    used, gets, machines = 0.0, 0, 0
    for row in listed(run):
        if "recommended_sku" in row and "cpu_percent" in row["observed"]:
            detail = api.ok(api.get(f"{run[1]}machines/{row['machine']}/"))["trace"]
            used += detail["cores"] * row["observed"]["cpu_percent"]
            gets += sizes[row["recommended_sku"]]
            machines += 1
    found = insights(run)["headroom"]
    assert (found["machines"], found["recommended_cores"], sum(found["classes"])) == (machines, gets, machines)
    assert found["expected_percent"] == pytest.approx(used / gets, abs=0.06)
    # The comfort factor of 1.3 leaves every size less than 77 % busy at the percentile.
    assert found["classes"][-1] == 0


def test_as_on_premises_nothing_is_said_of_headroom_data_and_confidence(run: Run) -> None:
    api, path = run
    project = path.split("/")[1]
    group = api.ok(api.get(path))["group"]
    done = assessed(api, project, group, sizing_criterion="as_on_premises")
    found = api.ok(api.get(f"projects/{project}/assessments/{done['id']}/insights/"))
    assert "headroom" not in found
    assert {"oversized", "no_data", "low_confidence"}.isdisjoint(each["code"] for each in found["look_at"])


def test_strangers_see_neither_totals_nor_insights(run: Run) -> None:
    charlie = make.stranger()
    assert {charlie.get(f"{run[1]}{part}/").status_code for part in ("totals", "insights")} == {404}


def test_lists_and_totals_ask_as_many_queries_for_three_machines_as_for_sixty(background: None, catalog: None) -> None:
    counts = []
    for machines in (3, 60):
        api = make.cast().bob
        project, _ = enrolled(api, [machine(f"m-{number:02}") for number in range(machines)])
        path = f"projects/{project}/assessments/{assessed(api, project, group_of_all(api, project))['id']}"
        asked = [f"{path}/machines/?sort=-monthly_cost&fit=oversized", f"{path}/totals/?readiness=ready"]
        asked.append(f"{path}/insights/")
        for address in asked:
            api.get(address)
        with CaptureQueriesContext(connection) as queries:
            for address in asked:
                api.ok(api.get(address))
        counts.append(len(queries))
    assert counts[0] == counts[1]
