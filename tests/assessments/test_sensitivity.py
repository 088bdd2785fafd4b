"""Sensitivity over the API, with a real worker: positions agree with real runs, the grid with the positions."""

import random
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assessments import sensitivity_jobs
from assessments.comparison import load_stored
from assessments.engine.assess import assess
from assessments.inputs import load_machines
from assessments.models import Assessment, AssessmentRun, GridPart, Sensitivity, ShardArrays
from assessments.packed_run import load_inputs, packed, unpacked
from assessments.queueing import queue_assessment
from assessments.serializers import with_defaults
from assessments.targets import target_of
from groups.models import Group
from migrate_hub.jobs.claiming import Claim, LeaseLostError, claim
from migrate_hub.jobs.models import Job
from migrate_hub.jobs.queueing import enqueue
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.assessments.varied import moving_points, percentiles_there, upload_days, varied_estate, varied_machines
from tests.conftest import wait_until
from tests.estate import assessed, enrolled, finished, group_of_all, last_full_hour, machine_ids

pytestmark = pytest.mark.usefixtures("catalog", "background")

DAYS = {"1_day": 1, "1_week": 7, "1_month": 30}


@dataclass
class Scene:
    """A published run of a varied estate, its percentiles stored."""

    cast: make.Cast
    project: str
    group: str
    assessment: dict[str, Any]

    @property
    def path(self) -> str:
        return f"projects/{self.project}/assessments/{self.assessment['id']}/"

    @property
    def run_id(self) -> UUID:
        return UUID(self.assessment["run"]["id"])

    def at(self, query: str = "") -> dict[str, Any]:
        api = self.cast.rita
        answer: dict[str, Any] = api.ok(api.get(f"{self.path}sensitivity/?{query}"))
        return answer

    def window(self, name: str) -> dict[str, str]:
        """The window that a position of this name has, as a setting: it ends where the run's does."""
        end = self.assessment["run"]["performance_end_at"]
        start = datetime.fromisoformat(end) - timedelta(days=DAYS[name])
        return {"start": start.isoformat(), "end": end}


@pytest.fixture(scope="module")
def scene(catalog: None, background: None) -> Scene:
    cast = make.cast()
    project, group, _ = varied_estate(cast.bob, machines=10, days=9, seed=1)
    assessment = assessed(cast.bob, project, group)
    percentiles_there(cast.bob, project, assessment["id"])
    return Scene(cast, project, group, assessment)


def rows(api: make.Api, project: str, assessment: str) -> dict[str, dict[str, Any]]:
    found = api.ok(api.get(f"projects/{project}/assessments/{assessment}/machines/?page_size=1000"))["results"]
    return {row["machine"]: row for row in found}


def assert_same_figures(position: dict[str, Any], summary: dict[str, Any]) -> None:
    cost = summary["monthly_cost"]
    assert position["monthly_cost"] == {name: cost[name] for name in position["monthly_cost"]}
    assert position["readiness"] == summary["readiness"]
    for name, scenario in position["scenarios"].items():
        assert scenario == {key: summary["scenarios"][name][key] for key in scenario}


# --- positions --------------------------------------------------------------------------------------------------------


def test_without_moving_a_slider_the_position_is_the_run(scene: Scene) -> None:
    position = scene.at()
    assert (position["percentile"], position["comfort_factor"], position["window"]) == ("95", 1.3, "1_day")
    assert (position["changed_sizes"], position["difference"]) == (0, "0.00")
    assert position["run"] == scene.assessment["run"]["id"]
    assert_same_figures(position, scene.assessment["summary"])


@pytest.mark.parametrize(
    ("percentile", "comfort_factor", "window"),
    [("50", 1.0, "1_day"), ("99", 2.0, "1_week"), ("90", 1.55, "1_month"), ("95", 1.3, "1_month")],
)
def test_a_position_is_a_new_assessment_to_the_cent(
    scene: Scene, percentile: str, comfort_factor: float, window: str
) -> None:
    api = scene.cast.bob
    position = scene.at(f"percentile={percentile}&comfort_factor={comfort_factor}&window={window}")
    settings: dict[str, Any] = {"percentile": int(percentile), "comfort_factor": comfort_factor}
    real = assessed(api, scene.project, scene.group, performance_window=scene.window(window), **settings)
    assert_same_figures(position, real["summary"])
    before, after = (rows(api, scene.project, one["id"]) for one in (scene.assessment, real))
    changed = [id for id in before if before[id].get("recommended_sku") != after[id].get("recommended_sku")]
    assert position["changed_sizes"] == len(changed)
    totals = [Decimal(one["summary"]["monthly_cost"]["total"]) for one in (scene.assessment, real)]
    assert Decimal(position["difference"]) == totals[1] - totals[0]


def test_the_positions_of_the_estate_differ(scene: Scene) -> None:
    """Otherwise agreement would prove nothing."""
    quiet, busy = scene.at("percentile=50&comfort_factor=1"), scene.at("percentile=maximum&comfort_factor=2")
    week = scene.at("percentile=99&window=1_week")
    assert Decimal(quiet["monthly_cost"]["total"]) < Decimal(busy["monthly_cost"]["total"])
    assert quiet["changed_sizes"] > 0
    assert week["monthly_cost"] != scene.at("percentile=99&window=1_day")["monthly_cost"]


def test_the_maximum_agrees_with_a_run_at_the_100th_percentile(scene: Scene) -> None:
    settings = {**with_defaults({}), "percentile": 100, "performance_window": scene.window("1_week")}
    with tenant_context(scene.cast.tenant.id):
        group = Group.objects.select_related("project").get(id=scene.group)
        made = queue_assessment(group=group, name="maximum", settings=settings, now=timezone.now())
    real = finished(scene.cast.bob, scene.project, str(made.id))
    assert_same_figures(scene.at("percentile=maximum&window=1_week"), real["summary"])


def test_points_that_arrive_after_the_run_leave_its_own_position_alone() -> None:
    api, chance = make.cast().bob, random.Random(5)
    listed = varied_machines(3, chance)
    project, appliance = enrolled(api, listed)
    upload_days(appliance, listed, 1, chance)
    assessment = assessed(api, project, group_of_all(api, project))
    appliance.performance([moving_points(one, last_full_hour() - timedelta(days=1), chance) for one in listed])
    percentiles_there(api, project, assessment["id"])
    position = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/sensitivity/"))
    assert (position["changed_sizes"], position["difference"]) == (0, "0.00")


def test_a_run_with_a_window_of_its_own_asks_for_one_of_the_menu(scene: Scene) -> None:
    api = scene.cast.bob
    end = datetime.fromisoformat(scene.assessment["run"]["performance_end_at"])
    window = {"start": (end - timedelta(hours=36)).isoformat(), "end": end.isoformat()}
    own = assessed(api, scene.project, scene.group, performance_window=window)
    percentiles_there(api, scene.project, own["id"])
    path = f"projects/{scene.project}/assessments/{own['id']}/sensitivity/"
    assert api.get(path).status_code == 400
    position = api.ok(api.get(path + "?window=1_day"))
    assert position["monthly_cost"] == scene.at("window=1_day")["monthly_cost"]


@pytest.mark.parametrize("query", ["percentile=42", "comfort_factor=2.5", "comfort_factor=x", "window=1_year"])
def test_a_position_off_the_scale_is_400(scene: Scene, query: str) -> None:
    assert scene.cast.rita.get(f"{scene.path}sensitivity/?{query}").status_code == 400


def test_a_position_takes_as_many_queries_for_many_machines_as_for_one() -> None:
    api = make.cast().bob
    counts = []
    for machines in (1, 30):
        project, group, _ = varied_estate(api, machines=machines, days=1, seed=machines)
        assessment = assessed(api, project, group)
        percentiles_there(api, project, assessment["id"])
        with CaptureQueriesContext(connection) as captured:
            api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/sensitivity/?percentile=50"))
        counts.append(len(captured))
    assert counts[0] == counts[1] < 25


def test_as_on_premises_has_no_sensitivity(scene: Scene) -> None:
    api = scene.cast.bob
    as_is = assessed(api, scene.project, scene.group, sizing_criterion="as_on_premises")
    path = f"projects/{scene.project}/assessments/{as_is['id']}/sensitivity/"
    for answer in (api.get(path), api.post(path)):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_performance_based")
    assert api.ok(api.get(path + "grid/"))["status"] == "not_started"


# --- the grid ---------------------------------------------------------------------------------------------------------


def whole_grid(api: make.Api, path: str) -> dict[str, Any]:
    def done() -> Any:
        answer = api.ok(api.get(path + "sensitivity/grid/"))
        return answer if answer["status"] == "completed" else None

    result: dict[str, Any] = wait_until(done, seconds=60, what="the grid")
    return result


def test_the_grid_holds_every_position(scene: Scene) -> None:
    api = scene.cast.bob
    asked = api.ok(api.post(scene.path + "sensitivity/"), 202)
    assert asked["status"] in ("running", "completed")
    assert asked["progress"]["total"] == 165
    grid = whole_grid(api, scene.path)
    positions = grid["positions"]
    assert grid["progress"] == {"done": 165, "total": 165}
    axes = {(one["window"], one["percentile"], one["comfort_factor"]) for one in positions}
    assert len(axes) == len(positions) == 165
    for one in positions[::17]:
        query = "&".join(f"{name}={one[name]}" for name in ("window", "percentile", "comfort_factor"))
        assert {name: value for name, value in scene.at(query).items() if name in one} == one
    again = api.ok(api.post(scene.path + "sensitivity/"), 202)
    assert (again["status"], again["positions"]) == ("completed", positions)


def test_readers_see_and_contributors_compute(scene: Scene) -> None:
    rita = scene.cast.rita
    assert rita.get(scene.path + "sensitivity/").status_code == 200
    assert rita.get(scene.path + "sensitivity/grid/").status_code == 200
    assert rita.post(scene.path + "sensitivity/").status_code == 403


def test_a_grid_is_cancelled_and_asked_for_again(scene: Scene) -> None:
    api = scene.cast.bob
    other = assessed(api, scene.project, scene.group)
    path = f"projects/{scene.project}/assessments/{other['id']}/"
    nothing = api.delete(path + "sensitivity/grid/")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_cancel")
    api.ok(api.post(path + "sensitivity/"), 202)
    with tenant_context(scene.cast.tenant.id):  # a worker may have been quicker than the next request
        Sensitivity.objects.filter(run=other["run"]["id"]).update(grid_status="running")
        GridPart.objects.filter(run=other["run"]["id"], part=7).delete()
    assert scene.cast.rita.delete(path + "sensitivity/grid/").status_code == 403
    assert api.ok(api.delete(path + "sensitivity/grid/"))["status"] == "not_started"
    api.ok(api.post(path + "sensitivity/"), 202)
    assert len(whole_grid(api, path)["positions"]) == 165


# --- what may go wrong ------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(scene: Scene) -> Scene:
    """A run of its own, to break."""
    assessment = assessed(scene.cast.bob, scene.project, scene.group)
    percentiles_there(scene.cast.bob, scene.project, assessment["id"])
    return Scene(scene.cast, scene.project, scene.group, assessment)


def test_until_the_percentiles_are_there_a_position_says_so(fresh: Scene) -> None:
    with tenant_context(fresh.cast.tenant.id):
        Sensitivity.objects.filter(run=fresh.run_id).update(percentiles_status="running")
        ShardArrays.objects.filter(run=fresh.run_id).update(percentiles=None)
    answer = fresh.cast.rita.get(fresh.path + "sensitivity/")
    assert (answer.status_code, answer.json()["code"]) == (409, "sensitivity_not_ready")
    assert "0 of 10 machines" in answer.json()["detail"]
    api = fresh.cast.bob
    waiting = api.ok(api.post(fresh.path + "sensitivity/"), 202)
    assert (waiting["status"], waiting["percentiles"]["progress"]) == ("created", {"done": 0, "total": 10})


def test_what_failed_is_begun_again_by_asking_again(fresh: Scene) -> None:
    with tenant_context(fresh.cast.tenant.id):
        Sensitivity.objects.filter(run=fresh.run_id).update(percentiles_status="failed", grid_status="failed")
        ShardArrays.objects.filter(run=fresh.run_id).update(percentiles=None)
    api = fresh.cast.bob
    assert api.get(fresh.path + "sensitivity/").json()["code"] == "sensitivity_not_ready"
    api.ok(api.post(fresh.path + "sensitivity/"), 202)
    assert len(whole_grid(api, fresh.path)["positions"]) == 165
    assert_same_figures(fresh.at(), fresh.assessment["summary"])


def test_a_job_that_failed_for_good_ends_the_work_and_says_so(fresh: Scene) -> None:
    with tenant_context(fresh.cast.tenant.id):
        Sensitivity.objects.filter(run=fresh.run_id).update(percentiles_status="running", grid_status="created")
        sensitivity_jobs.fail(fresh.run_id, "OperationalError")
    grid = fresh.cast.rita.ok(fresh.cast.rita.get(fresh.path + "sensitivity/grid/"))
    assert (grid["status"], grid["percentiles"]["status"]) == ("failed", "failed")


def test_a_run_of_an_older_version_says_that_it_kept_no_inputs(fresh: Scene) -> None:
    with tenant_context(fresh.cast.tenant.id):
        ShardArrays.objects.filter(run=fresh.run_id).delete()
    api = fresh.cast.bob
    for answer in (api.get(fresh.path + "sensitivity/"), api.post(fresh.path + "sensitivity/")):
        assert (answer.status_code, answer.json()["code"]) == (409, "run_without_inputs")


def held(scene: Scene, task: str) -> Claim:
    """A claim on a job that no worker hears of."""
    tenant_id = scene.cast.tenant.id
    with tenant_context(tenant_id):
        (job,) = enqueue(task, scene.run_id, queue="nobody", parts=[0])
    found = claim(tenant_id, job.id)
    assert found is not None
    return found


def stored(scene: Scene) -> Any:
    with tenant_context(scene.cast.tenant.id):
        arrays = list(ShardArrays.objects.filter(run=scene.run_id).values_list("part", "percentiles"))
        grid = list(GridPart.objects.filter(run=scene.run_id).values_list("part", "positions"))
        status = Sensitivity.objects.values_list("percentiles_status", "grid_status").get(run=scene.run_id)
    return [(part, bytes(packed)) for part, packed in arrays], grid, status


@pytest.mark.parametrize("work", [sensitivity_jobs.compute_percentiles, sensitivity_jobs.compute_grid_part])
def test_a_job_that_runs_twice_leaves_what_one_leaves(fresh: Scene, work: Any) -> None:
    task = f"test.{uuid4().hex[:8]}"
    work(held(fresh, task))
    once = stored(fresh)
    work(held(fresh, task))
    assert stored(fresh) == once


@pytest.mark.parametrize("work", [sensitivity_jobs.compute_percentiles, sensitivity_jobs.compute_grid_part])
def test_a_worker_that_lost_its_lease_writes_nothing(fresh: Scene, work: Any) -> None:
    lost = held(fresh, f"test.{uuid4().hex[:8]}")
    before = stored(fresh)
    with tenant_context(fresh.cast.tenant.id):
        Job.objects.filter(id=lost.job_id).update(lease_token=uuid4())
    with pytest.raises(LeaseLostError):
        work(lost)
    assert stored(fresh) == before


def test_the_work_of_a_deleted_assessment_ends_quietly(fresh: Scene) -> None:
    waiting = held(fresh, "test.deleted")
    with tenant_context(fresh.cast.tenant.id):
        Assessment.objects.filter(id=fresh.assessment["id"]).update(deleted_at=timezone.now())
    before = stored(fresh)
    sensitivity_jobs.compute_grid_part(waiting)
    with tenant_context(fresh.cast.tenant.id):
        assert Job.objects.get(id=waiting.job_id).state == "done"
    assert stored(fresh) == before


# --- the packed inputs ------------------------------------------------------------------------------------------------


def test_a_run_computed_again_from_its_packed_inputs_is_the_run(scene: Scene) -> None:
    with tenant_context(scene.cast.tenant.id):
        run = AssessmentRun.objects.select_related("catalog").get(id=scene.run_id)
        inputs, target = load_inputs(run), target_of(run)
        kept = load_stored(run, inputs)
    again = assess(inputs.machines, target.catalog, target.settings)
    for stored_cost, cost in (
        (kept.costs.compute, again.chosen.monthly_compute_cost),
        (kept.costs.storage, again.monthly_storage_cost),
    ):
        assert np.array_equal(stored_cost.values, cost.values)
        assert np.array_equal(stored_cost.known, cost.known)
    assert kept.readiness == [again.readiness_of(row) for row in range(len(inputs))]


def assert_equal_values(one: Any, other: Any) -> None:
    """Two values of the engine, array by array."""
    if is_dataclass(one):
        for field in fields(one):
            assert_equal_values(getattr(one, field.name), getattr(other, field.name))
    else:
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


def test_shards_packed_apart_are_the_run_as_a_whole(scene: Scene) -> None:
    ids = sorted(UUID(id) for id in machine_ids(scene.cast.rita, scene.project).values())
    end_at = last_full_hour()
    start_at = end_at - timedelta(days=2)
    with tenant_context(scene.cast.tenant.id):
        whole, first, second = (
            load_machines(some, start_at=start_at, end_at=end_at, percentile=95, performance_based=True)
            for some in (ids, ids[:4], ids[4:])
        )
    joined = unpacked([packed(first), packed(second)])
    assert joined.machine_ids == whole.ids == ids
    assert joined.disk_source_ids == whole.disks.source_ids
    assert_equal_values(joined.machines, whole.values)
