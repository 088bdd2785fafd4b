"""The difference between two runs over the API: by cause, exactly, by machine, and what cannot be compared."""

import random
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments.comparison import CAUSES
from assessments.models import AssessmentRun, Sensitivity
from assessments.queueing import end_run
from migrate_hub.tenants.row_level_security import tenant_context
from tests.assessments.compared import Scene, a_week, make_scene, variant, whole
from tests.assessments.varied import upload_days
from tests.estate import (
    assessed,
    machine,
    machine_ids,
    price_sheet,
)

pytestmark = pytest.mark.usefixtures("catalog", "background")


@pytest.fixture(scope="module")
def dearer(catalog: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    return variant(tmp_path_factory.mktemp("catalogs"), "westeurope", 10)


@pytest.fixture
def scene(catalog: None, background: None) -> Scene:
    return make_scene(seed=11)


def parts(causes: dict[str, str]) -> dict[str, Decimal]:
    return {cause: Decimal(part) for cause, part in causes.items()}


def moving(compared: dict[str, Any]) -> set[str]:
    """The causes that moved any machine."""
    return {cause for row in compared["results"] for cause, part in parts(row["causes"]).items() if part} | {
        cause for cause, part in parts(compared["causes"]).items() if part
    }


def assert_adds_up(compared: dict[str, Any]) -> None:
    """Every sum there is, exactly."""
    rows = compared["results"]
    difference = Decimal(compared["difference"])
    totals = parts(compared["causes"])
    assert sum(totals.values()) == difference
    assert difference == Decimal(compared["after"]["monthly_cost"]) - Decimal(compared["before"]["monthly_cost"])
    for cause in CAUSES:
        assert sum(Decimal(row["causes"][cause]) for row in rows) == totals[cause]
    for row in rows:
        cost = [
            sum(Decimal(row.get(side, {}).get(f"monthly_{kind}_cost", 0)) for kind in ("compute", "storage"))
            for side in ("before", "after")
        ]
        assert sum(parts(row["causes"]).values()) == Decimal(row["difference"]) == cost[1] - cost[0]
    apart = compared["without_cost_in_one"]
    one_sided = [row for row in rows if row["without_cost_in_one"]]
    assert apart["machines"] == len(one_sided)
    assert Decimal(apart["difference"]) == sum(parts(apart["causes"]).values())
    assert Decimal(apart["difference"]) == sum(Decimal(row["difference"]) for row in one_sided)


# --- one cause at a time ----------------------------------------------------------------------------------------------


def test_other_prices_alone_give_a_price_part_alone(scene: Scene, dearer: str) -> None:
    after = scene.run_again(catalog=dearer)
    compared = scene.compared()
    assert moving(compared) == {"price"}
    assert_adds_up(compared)
    assert Decimal(compared["difference"]) > 0
    assert compared["after"]["monthly_cost"] == after["summary"]["monthly_cost"]["total"]


def test_prices_of_ones_own_alone_give_a_price_part_alone(scene: Scene) -> None:
    rows = scene.api.ok(scene.api.get(scene.path + "machines/"))["results"]
    sizes = sorted({row["recommended_sku"] for row in rows if "recommended_sku" in row})
    lines = [f"{size},westeurope,pay_as_you_go,linux,0.0001,hour,USD,2020-01-01" for size in sizes]
    scene.run_again(price_sheet=price_sheet(scene.cast.alice, *lines))
    compared = scene.compared()
    assert moving(compared) == {"price"}
    assert_adds_up(compared)
    assert Decimal(compared["difference"]) < 0


@pytest.mark.parametrize(
    "settings",
    [
        {"comfort_factor": 2},
        {"percentile": 50},
        {"commitment": "reservation_3y", "hybrid_benefit": "none"},
        {"target_region": "northeurope"},
        {"performance_window": "1_day"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_other_settings_alone_give_a_settings_part_alone(scene: Scene, settings: dict[str, Any]) -> None:
    scene.run_again(**settings)
    compared = scene.compared()
    assert moving(compared) == {"settings"}
    assert compared["notes"] == []
    assert_adds_up(compared)


def test_another_history_alone_gives_a_performance_part_alone(scene: Scene) -> None:
    upload_days(scene.appliance, scene.listed, 3, random.Random(99))
    scene.run_again()
    compared = scene.compared()
    assert moving(compared) == {"performance"}
    assert_adds_up(compared)


def test_other_hardware_alone_gives_an_inventory_part_alone(scene: Scene) -> None:
    grown = [{**one, "cores": 32, "memory_mb": 2 * one["memory_mb"]} for one in scene.listed[:3]]
    split = {**scene.listed[3], "disks": [*scene.listed[3]["disks"], {"source_id": "new", "size_gb": 4000.0}]}
    renamed = {**scene.listed[4], "operating_system": "Microsoft Windows Server 2022 (64-bit)"}
    scene.appliance.inventory([*grown, split, renamed], snapshot=False)
    scene.run_again()
    compared = scene.compared()
    assert moving(compared) == {"inventory"}
    assert_adds_up(compared)
    untouched = {one["name"] for one in scene.listed[5:]}
    assert all(row["difference"] == "0.00" for row in compared["results"] if row["name"] in untouched)


def test_machines_that_came_and_went_give_a_membership_part_alone(scene: Scene) -> None:
    ids = machine_ids(scene.api, scene.project)
    new = machine("new-01")
    scene.appliance.inventory([new], snapshot=False)
    path = f"projects/{scene.project}/groups/{scene.group}/machines/"
    added, removed = machine_ids(scene.api, scene.project)["new-01"], ids["m-000"]
    scene.api.ok(scene.api.post(path, {"add": [added], "remove": [removed]}))
    scene.run_again()
    compared = scene.compared()
    assert moving(compared) == {"membership"}
    assert_adds_up(compared)
    assert {name: compared["machines"][name] for name in ("in_both", "added", "removed")} == {
        "in_both": 7,
        "added": 1,
        "removed": 1,
    }
    sides = {row["name"]: ("before" in row, "after" in row) for row in compared["results"]}
    assert (sides["new-01"], sides["m-000"]) == ((False, True), (True, False))


def test_nothing_changed_gives_the_same_run_to_the_cent(scene: Scene) -> None:
    rows = scene.api.ok(scene.api.get(scene.path + "machines/"))["results"]
    again = scene.run_again()
    assert again["run"]["number"] == 2
    assert again["summary"] == scene.assessment["summary"]
    assert scene.api.ok(scene.api.get(scene.path + "machines/"))["results"] == rows
    compared = scene.compared()
    assert moving(compared) == set()
    assert compared["machines"]["changed_size"] == compared["machines"]["changed_readiness"] == 0


# --- everything at once -----------------------------------------------------------------------------------------------


def change_at_random(scene: Scene, chance: random.Random, catalogs: list[str]) -> None:
    """Members, hardware, history, settings and prices change, each with some probability; then a new run."""
    ids = machine_ids(scene.api, scene.project)
    if chance.random() < 0.7:
        scene.appliance.inventory(
            [{**one, "cores": chance.choice([2, 8, 64])} for one in chance.sample(scene.listed, 3)], snapshot=False
        )
    if chance.random() < 0.7:
        scene.appliance.inventory([machine(f"x-{chance.random()}"), machine("y")], snapshot=False)
        new = [id for name, id in machine_ids(scene.api, scene.project).items() if name not in ids]
        gone = chance.sample(sorted(ids.values()), 2)
        path = f"projects/{scene.project}/groups/{scene.group}/machines/"
        scene.api.ok(scene.api.post(path, {"add": new, "remove": gone}))
    if chance.random() < 0.7:
        upload_days(scene.appliance, scene.listed, 2, chance)
    scene.run_again(
        comfort_factor=chance.choice([1, 1.3, 1.8]),
        percentile=chance.choice([50, 95, 99]),
        commitment=chance.choice(["none", "reservation_1y", "savings_plan_3y"]),
        hybrid_benefit=chance.choice(["none", "windows"]),
        sku_families=chance.choice([[], ["dsv5", "esv5"], ["mv2"]]),
        disk_types=chance.choice([["automatic"], ["premium_ssd"]]),
        sizing_criterion=chance.choice(["performance_based", "performance_based", "as_on_premises"]),
        catalog=chance.choice(catalogs),
    )


@pytest.mark.parametrize("seed", range(8))
def test_parts_of_random_pairs_add_up_exactly(seed: int, dearer: str) -> None:
    chance = random.Random(seed)
    scene = make_scene(seed=100 + seed)
    current = scene.assessment["run"]["catalog"]
    change_at_random(scene, chance, [current, dearer])
    compared = scene.compared()
    assert_adds_up(compared)
    first, last = scene.assessment["run"]["id"], compared["after"]["run"]
    back = whole(scene.api, f"{scene.path}compare/?run={last}&with_run={first}", page_size=3)
    assert_adds_up(back)
    assert Decimal(back["difference"]) == -Decimal(compared["difference"])
    assert {row["machine"] for row in back["results"]} == {row["machine"] for row in compared["results"]}
    assert len(back["results"]) == len(compared["results"])


def test_rows_come_largest_absolute_difference_first_and_once(scene: Scene, dearer: str) -> None:
    scene.run_again(catalog=dearer, comfort_factor=1.9)
    first = scene.assessment["run"]["id"]
    compared = whole(scene.api, f"{scene.path}compare/?run={first}", page_size=3)
    sizes = [abs(Decimal(row["difference"])) for row in compared["results"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(row["name"] for row in compared["results"]) == [f"m-{number:03}" for number in range(8)]
    changed = compared["machines"]
    differ = [
        row
        for row in compared["results"]
        if row["before"].get("recommended_sku") != row["after"].get("recommended_sku")
    ]
    assert changed["changed_size"] == len(differ)
    assert changed["changed_cost"] == sum(size != 0 for size in sizes)


def test_two_assessments_of_a_project_are_compared_by_their_published_runs(scene: Scene) -> None:
    other = assessed(
        scene.api, scene.project, scene.group, performance_window=a_week(), commitment="reservation_1y", name="other"
    )
    compared = scene.compared(f"with={other['id']}")
    assert (compared["before"]["number"], compared["after"]["name"]) == (1, "other")
    assert compared["after"]["readiness"] == other["summary"]["readiness"]
    assert_adds_up(compared)


# --- what has no cost, and what cannot be told apart ------------------------------------------------------------------


def test_a_machine_that_lost_its_cost_is_told_apart_and_counts_where_it_lost_it(scene: Scene) -> None:
    before = {row["name"]: row for row in scene.api.ok(scene.api.get(scene.path + "machines/"))["results"]}
    name = next(name for name, row in before.items() if row["readiness"] == "ready")
    huge = next(one for one in scene.listed if one["name"] == name)
    scene.appliance.inventory([{**huge, "cores": 2000, "memory_mb": 50_000_000}], snapshot=False)
    scene.run_again()
    compared = scene.compared()
    assert_adds_up(compared)
    row = next(row for row in compared["results"] if row["name"] == name)
    assert (row["without_cost_in_one"], row["after"]["readiness"]) == (True, "not_ready")
    assert compared["without_cost_in_one"]["machines"] == 1
    assert Decimal(row["causes"]["inventory"]) == Decimal(row["difference"]) < 0


def test_as_on_premises_moves_everything_by_settings(scene: Scene) -> None:
    upload_days(scene.appliance, scene.listed, 1, random.Random(3))
    scene.run_again(sizing_criterion="as_on_premises")
    compared = scene.compared()
    assert moving(compared) == {"settings"}
    assert [note["code"] for note in compared["notes"]] == ["as_on_premises"]
    assert_adds_up(compared)


def test_without_stored_percentiles_another_reading_counts_as_settings_and_says_so(scene: Scene) -> None:
    upload_days(scene.appliance, scene.listed, 1, random.Random(3))
    after = scene.run_again(percentile=50)
    with tenant_context(scene.cast.tenant.id):
        Sensitivity.objects.filter(run=after["run"]["id"]).update(percentiles_status="running")
    compared = scene.compared()
    assert moving(compared) == {"settings"}
    assert [note["code"] for note in compared["notes"]] == ["performance_in_settings"]
    assert_adds_up(compared)


def test_with_stored_percentiles_history_and_reading_are_told_apart(scene: Scene) -> None:
    upload_days(scene.appliance, scene.listed, 3, random.Random(3))
    scene.run_again(percentile=50)
    compared = scene.compared()
    assert moving(compared) == {"performance", "settings"}
    assert_adds_up(compared)


def test_a_region_that_the_earlier_catalog_lacks_counts_as_price(scene: Scene, dearer: str) -> None:
    scene.run_again(catalog=dearer)
    first = scene.run_again(comfort_factor=1.1)["run"]["id"]
    newest = scene.assessment["run"]["catalog"]
    scene.run_again(catalog=newest, target_region="northeurope")
    compared = whole(scene.api, f"{scene.path}compare/?run={first}")
    assert moving(compared) == {"price"}
    assert [note["code"] for note in compared["notes"]] == ["region_in_price"]
    assert_adds_up(compared)


def test_runs_in_two_currencies_are_not_compared(scene: Scene) -> None:
    scene.run_again(currency="EUR")
    answer = scene.api.get(f"{scene.path}compare/?run={scene.assessment['run']['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "currencies_differ")


def test_a_run_with_itself_is_no_comparison(scene: Scene) -> None:
    answer = scene.api.get(scene.path + "compare/")
    assert (answer.status_code, answer.json()["code"]) == (400, "same_run")


@pytest.mark.parametrize("name", ["with", "run", "with_run"])
def test_what_is_not_there_and_what_is_another_tenants_answer_alike(scene: Scene, name: str) -> None:
    theirs = make_scene(seed=1, machines=1)
    id = theirs.assessment["id"] if name == "with" else theirs.assessment["run"]["id"]
    answers = [scene.api.get(f"{scene.path}compare/?{name}={one}") for one in (id, uuid4())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("query", ["with=x", "cursor=%C3%A4", "cursor=QQ==", "cursor=LTU=", "page_size=0"])
def test_a_question_that_is_none_is_400(scene: Scene, query: str) -> None:
    scene.run_again()
    first = scene.assessment["run"]["id"]
    assert scene.api.get(f"{scene.path}compare/?run={first}&{query}").status_code == 400


def test_a_comparison_takes_as_many_queries_for_many_machines_as_for_one() -> None:
    counts = []
    for machines in (1, 20):
        scene = make_scene(seed=4, machines=machines)
        scene.run_again(percentile=50)
        with CaptureQueriesContext(connection) as captured:
            scene.compared()
        counts.append(len(captured))
    assert counts[0] == counts[1] < 35


# --- the runs ---------------------------------------------------------------------------------------------------------


def test_runs_are_listed_with_what_they_pinned_and_came_to(scene: Scene, dearer: str) -> None:
    second = scene.run_again(catalog=dearer)
    runs = scene.api.ok(scene.api.get(scene.path + "runs/"))["results"]
    assert [(run["number"], run["status"], run["published"]) for run in runs] == [
        (2, "completed", True),
        (1, "completed", False),
    ]
    assert [run["catalog"] for run in runs] == [dearer, scene.assessment["run"]["catalog"]]
    totals = [one["summary"]["monthly_cost"]["total"] for one in (second, scene.assessment)]
    assert [run["monthly_cost"]["total"] for run in runs] == totals
    assert runs[0]["settings"] == second["settings"]
    page = scene.api.ok(scene.api.get(scene.path + "runs/?page_size=1"))
    assert (len(page["results"]), page["next"] is not None) == (1, True)


def test_a_run_that_failed_is_listed_with_its_reason_and_not_compared(scene: Scene) -> None:
    first = scene.assessment["run"]["id"]
    scene.run_again()
    with tenant_context(scene.cast.tenant.id):
        run = AssessmentRun.objects.get(id=first)
        end_run(run, code="computation_failed", detail="It failed.", now=timezone.now())
    listed = scene.api.ok(scene.api.get(scene.path + "runs/"))["results"][1]
    assert listed["failure"] == {"code": "computation_failed", "detail": "It failed."}
    answer = scene.api.get(f"{scene.path}compare/?run={first}")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_results_yet")
