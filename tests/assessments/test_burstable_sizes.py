"""Burstable sizes over the API: only for machines whose credits last over seven days of their own history and more."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from assessments.catalog.catalog_file import read_snapshot, write_snapshot
from assessments.catalog.loading import load_catalog
from assessments.credit_history import credits_of_answers, read_credits
from assessments.engine.fixed_point import scaled
from assessments.models import AssessmentRun
from assessments.targets import credit_terms_of
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.assessments.varied import percentiles_there
from tests.conftest import wait_until
from tests.estate import (
    POINTS_A_DAY,
    Appliance,
    assessed,
    enrolled,
    group_of_all,
    last_full_hour,
    machine,
    machine_ids,
    points,
)

pytestmark = pytest.mark.usefixtures("catalog", "background")

BUNDLED = Path(__file__).parents[2] / "assessments" / "catalog" / "snapshot" / "azure-2026-08.zip"
Json = dict[str, Any]
DAYS = 9
# Mostly idle; busy for a quarter of an hour a day; busy all the time.
IDLE = [2.0] * POINTS_A_DAY
NIGHTLY = [*[5.0] * (POINTS_A_DAY - 2), 100.0, 100.0]
BUSY = [45.0] * POINTS_A_DAY
MACHINES = {"idle": IDLE, "nightly": NIGHTLY, "busy": BUSY}
LINUX = {"operating_system": "Ubuntu Linux 22.04 (64-bit)", "cores": 2, "memory_mb": 4096}


def upload(appliance: Appliance, name: str, day: list[float], *, days: int = DAYS) -> None:
    quiet: Json = {"memory_percent": [30.0] * POINTS_A_DAY, "disks": {}, "nics": {}}
    for ago in range(days, 0, -1):
        start = last_full_hour() - timedelta(days=ago)
        appliance.performance([points(name, start, cpu_percent=day, **quiet)])


@dataclass
class Scene:
    api: make.Api
    project: str
    group: str
    tenant_id: int = 0

    def assessed(self, **settings: Any) -> Json:
        return assessed(self.api, self.project, self.group, **settings)

    def path(self, assessment: Json) -> str:
        return f"projects/{self.project}/assessments/{assessment['id']}/"

    def rows(self, assessment: Json) -> dict[str, Json]:
        found = self.api.ok(self.api.get(f"{self.path(assessment)}machines/"))["results"]
        return {row["name"]: row for row in found}

    def sizes(self, **settings: Any) -> dict[str, str]:
        return {name: row["recommended_sku"] for name, row in self.rows(self.assessed(**settings)).items()}


@pytest.fixture(scope="module")
def scene(catalog: None, background: None) -> Scene:
    """Three machines alike but for their CPU, with nine days of it."""
    cast = make.cast()
    api = cast.alice
    project, appliance = enrolled(api, [machine(name, **LINUX) for name in MACHINES])
    for name, day in MACHINES.items():
        upload(appliance, name, day)
    return Scene(api, project, group_of_all(api, project), cast.tenant.id)


def is_burstable(size: str) -> bool:
    return size.startswith("Standard_B")


@pytest.mark.parametrize("window", ["1_week", "1_month"])
def test_a_mostly_idle_machine_gets_a_burstable_size_and_a_busy_one_does_not(scene: Scene, window: str) -> None:
    sizes = scene.sizes(performance_window=window, percentile=99)
    assert is_burstable(sizes["idle"])
    assert not is_burstable(sizes["busy"])


def test_a_window_of_ones_own_counts_too(scene: Scene) -> None:
    end = last_full_hour() - timedelta(hours=2)
    window = {"start": (end - timedelta(days=7, hours=3)).isoformat(), "end": end.isoformat()}
    sizes = scene.sizes(performance_window=window, percentile=95)
    assert is_burstable(sizes["idle"])
    assert not is_burstable(sizes["busy"])


@pytest.mark.parametrize(
    "settings",
    [
        {"performance_window": "1_day"},
        {"performance_window": "1_week", "rule_set": "am-2020-09"},
        {"sizing_criterion": "as_on_premises", "performance_window": "1_week"},
        {"performance_window": "1_week", "sku_families": ["dsv5"]},
    ],
)
def test_otherwise_nobody_gets_one(scene: Scene, settings: Json) -> None:
    assert not any(map(is_burstable, scene.sizes(**settings).values()))


def test_less_than_seven_days_of_points_are_not_enough() -> None:
    api = make.cast().alice
    project, appliance = enrolled(api, [machine("young", **LINUX)])
    upload(appliance, "young", IDLE, days=6)
    young = Scene(api, project, group_of_all(api, project))
    assert not is_burstable(young.sizes(performance_window="1_month")["young"])


def trace_of(scene: Scene, assessment: Json, name: str) -> Json:
    row = scene.rows(assessment)[name]
    trace: Json = scene.api.ok(scene.api.get(f"{scene.path(assessment)}machines/{row['machine']}/"))["trace"]
    return trace


def test_the_trace_agrees_and_tells_which_credits_run_out_and_when(scene: Scene) -> None:
    assessment = scene.assessed(performance_window="1_week", comfort_factor=1.3)
    rows = scene.rows(assessment)
    for name in MACHINES:
        trace = trace_of(scene, assessment, name)
        headline = next(one for one in trace["scenarios"] if one["name"] == trace["headline"])
        assert headline["size"] == rows[name]["recommended_sku"]
    refused = {one["name"]: one["refusals"] for one in trace_of(scene, assessment, "busy")["refused"]}
    (credits,) = [one for one in refused["Standard_B2ls_v2"] if one["constraint"] == "cpu_credits"]
    assert credits["required"] == "2.6"
    assert Decimal(credits["short_by"]) == Decimal("2.6") - Decimal(credits["offered"]) > 0
    assert (
        credits["detail"] == "60 credits at first, 36 an hour and 864 at most are spent by day 8, 00:00 of the history"
    )


def test_the_trace_tells_that_a_window_is_too_short(scene: Scene) -> None:
    trace = trace_of(scene, scene.assessed(performance_window="1_day"), "idle")
    details = {
        refusal["detail"]
        for one in trace["refused"]
        for refusal in one["refusals"]
        if refusal["constraint"] == "cpu_credits" and is_burstable(one["name"])
    }
    assert "the window is shorter than 7 days" in details


@pytest.fixture(scope="module")
def explored(scene: Scene) -> Json:
    """A published run over a week whose percentiles are stored."""
    assessment = scene.assessed(performance_window="1_week", comfort_factor=1.3)
    percentiles_there(scene.api, scene.project, assessment["id"])
    return assessment


@pytest.mark.parametrize("window", ["1_day", "1_week", "1_month"])
@pytest.mark.parametrize("comfort_factor", [1.0, 1.3, 2.0])
def test_a_position_is_a_new_assessment_to_the_cent(
    scene: Scene, explored: Json, window: str, comfort_factor: float
) -> None:
    query = f"window={window}&comfort_factor={comfort_factor}&percentile=95"
    position = scene.api.ok(scene.api.get(f"{scene.path(explored)}sensitivity/?{query}"))
    anew = scene.assessed(performance_window=window, comfort_factor=comfort_factor, percentile=95)
    summary = scene.api.ok(scene.api.get(scene.path(anew)))["summary"]
    assert position["monthly_cost"]["total"] == summary["monthly_cost"]["total"]
    before, after = scene.rows(explored), scene.rows(anew)
    changed = sum(before[name]["recommended_sku"] != after[name]["recommended_sku"] for name in MACHINES)
    assert position["changed_sizes"] == changed


def test_a_repeated_run_takes_the_same_burstable_sizes(scene: Scene, explored: Json) -> None:
    path = f"{scene.path(explored)}runs/"
    made = scene.api.ok(scene.api.post(f"{path}{explored['run']['id']}/repeat/", {}), 202)

    def ended() -> Any:
        row = scene.api.ok(scene.api.get(f"{path}{made['id']}/"))
        return row if row["status"] == "completed" else None

    again = wait_until(ended, seconds=60, what="the repeated run")
    first = scene.api.ok(scene.api.get(f"{path}{explored['run']['id']}/"))
    assert again["monthly_cost"] == first["monthly_cost"]


def test_terms_of_another_catalog_are_answered_from_the_points(scene: Scene) -> None:
    """What is kept is of the current catalog's terms; a run that pins another one gets the same answer for its own."""
    ids = [UUID(id) for id in machine_ids(scene.api, scene.project).values()]
    end = last_full_hour()
    other = scaled([(60, 24, 576), (7, 7, 77)])
    with tenant_context(scene.tenant_id):
        current = credit_terms_of(AssessmentRun.objects.filter(settings__performance_window="1_week")[0])
        assert current is not None
        kept, read = (read_credits(ids, end - timedelta(days=7), end, terms) for terms in (current, other))
    assert kept.keys() == read.keys() == set(ids)
    for machine_id in ids:
        ours, others = (credits_of_answers([answers[machine_id]]) for answers in (kept, read))
        assert others.terms.tolist() == other.tolist()
        same = current.tolist().index(other[0].tolist())
        assert ours.carried[0, same] == others.carried[0, 0]


def test_a_busier_history_is_told_as_performance() -> None:
    """Ten days on end at full load, and the machine no longer keeps its burstable size: that is performance alone."""
    api = make.cast().alice
    project, appliance = enrolled(api, [machine("worker", **LINUX)])
    upload(appliance, "worker", IDLE, days=DAYS)
    alone = Scene(api, project, group_of_all(api, project))
    before = alone.assessed(performance_window="1_month", percentile=50)
    busy = [*[2.0] * (POINTS_A_DAY // 2 + 1), *[100.0] * (POINTS_A_DAY // 2 - 1)]
    upload(appliance, "worker", busy, days=DAYS)
    after = alone.assessed(performance_window="1_month", percentile=50)
    first, second = (alone.rows(one)["worker"] for one in (before, after))
    assert is_burstable(first["recommended_sku"])
    assert not is_burstable(second["recommended_sku"])
    assert first["observed"]["cpu_percent"] == second["observed"]["cpu_percent"]
    found = api.ok(api.get(f"{alone.path(before)}compare/?with={after['id']}"))
    assert found["causes"]["performance"] == found["difference"]
    assert Decimal(found["difference"]) > 0


def causes(scene: Scene, before: Json, after: Json) -> tuple[dict[str, Decimal], list[str]]:
    found = scene.api.ok(scene.api.get(f"{scene.path(before)}compare/?with={after['id']}"))
    return {name: Decimal(amount) for name, amount in found["causes"].items()}, [one["code"] for one in found["notes"]]


def test_rules_that_take_no_burstable_sizes_are_told_as_settings(scene: Scene) -> None:
    before = scene.assessed(performance_window="1_week")
    after = scene.assessed(performance_window="1_week", rule_set="am-2020-09")
    parts, notes = causes(scene, before, after)
    assert parts["settings"] > 0
    assert {name for name, amount in parts.items() if amount} == {"settings"}
    assert notes == []


def test_other_credit_terms_at_the_same_price_move_nothing(scene: Scene, other_terms: str) -> None:
    before = scene.assessed(performance_window="1_week")
    after = scene.assessed(performance_window="1_week", catalog=other_terms)
    assert is_burstable(scene.rows(after)["idle"]["recommended_sku"])
    parts, notes = causes(scene, before, after)
    assert set(parts.values()) == {Decimal(0)}
    assert notes == ["credits_in_price"]


@pytest.fixture(scope="module")
def other_terms(catalog: None) -> str:
    """The id of a catalog like the bundled one, except that each burstable size banks one credit more at most."""
    snapshot = read_snapshot(BUNDLED.read_bytes())
    sizes = [
        row if row.max_credits is None else msgspec.structs.replace(row, max_credits=row.max_credits + 1)
        for row in snapshot.tables.sizes
    ]
    changed = msgspec.structs.replace(snapshot.tables, sizes=sizes)
    file = write_snapshot(
        name="other terms", as_of=date(2026, 7, 1), tables=changed, inputs={"bundled": "0" * 64}, left_out=[]
    )
    return str(load_catalog(file)[0].pk)
