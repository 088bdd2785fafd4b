"""Rolled-up rows seen from the front door: runs that read them, runs that read the blocks, and who may see them."""

import random
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings, strategies

from ingest.folding import fold_machines
from ingest.models import PerformanceBlock, Rollup
from ingest.rollup_jobs import forget_unused, plan_refresh
from ingest.rollups import KEPT_AFTER_USE, also, forget_also, kept, refresh
from ingest.utilization import utilization
from migrate_hub.jobs.models import OPEN_STATES, Job
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.assessments.varied import percentiles_there, varied_estate
from tests.conftest import wait_until
from tests.estate import Appliance, assessed, enrolled, group_of_all, last_full_hour, machine, points

pytestmark = pytest.mark.usefixtures("catalog", "background")
DAY = timedelta(days=1)


def shown(api: make.Api, project: str, group: str, **chosen: Any) -> list[Any]:
    """Everything that a new run says of each machine, but for the ids that are the run's own."""
    assessment = assessed(api, project, group, **chosen)
    assert assessment["status"] == "completed", assessment
    path = f"projects/{project}/assessments/{assessment['id']}/machines/"
    rows = api.ok(api.get(f"{path}?page_size=1000"))["results"]
    details = [api.ok(api.get(f"{path}{row['machine']}/")) for row in rows]
    return [assessment["summary"], *rows, *[{**detail, "trace": without_run(detail["trace"])} for detail in details]]


def without_run(trace: dict[str, Any]) -> dict[str, Any]:
    """A trace but for the run's own ids, and for what a job adds to it some time after the run."""
    return {name: value for name, value in trace.items() if name not in {"run", "assessment", "series"}}


def forget_rollups(cast: make.Cast) -> int:
    """Leaves nothing but the points; how many rows there were."""
    with tenant_context(cast.tenant.id):
        count: int = Rollup.objects.all()._raw_delete("default")
    return count


def stored_rows(cast: make.Cast) -> list[tuple[Any, ...]]:
    """The rows, but for when they were used."""
    with tenant_context(cast.tenant.id):
        found = Rollup.objects.order_by("machine_id", "window_name").values_list(
            "machine_id", "window_name", "end_at", "fingerprint", "interval_seconds", "values", "points"
        )
        return [tuple(bytes(one) if isinstance(one, memoryview) else one for one in row) for row in found]


@pytest.mark.parametrize("window", ["1_day", "1_week", "1_month"])
@pytest.mark.parametrize("percentile", [50, 95])
def test_a_run_from_rows_says_what_the_run_from_the_points_said(window: str, percentile: int) -> None:
    cast = make.cast()
    project, group, _ = varied_estate(cast.bob, machines=4, days=3, seed=percentile)
    chosen = {"performance_window": window, "percentile": percentile}
    cold = shown(cast.bob, project, group, **chosen)
    assert len({row[0] for row in stored_rows(cast) if row[1] == window}) == 4
    assert shown(cast.bob, project, group, **chosen) == cold


def test_a_run_reads_rows_and_not_the_points() -> None:
    cast = make.cast()
    project, group, _ = varied_estate(cast.bob, machines=2, days=1, seed=7)
    cold = shown(cast.bob, project, group)
    with tenant_context(cast.tenant.id):
        for block in PerformanceBlock.objects.all():
            zeros = bytes(len(bytes(block.values)))
            PerformanceBlock.objects.filter(machine_id=block.machine_id, start_at=block.start_at).update(values=zeros)
    assert shown(cast.bob, project, group) == cold
    assert forget_rollups(cast) > 0
    assert shown(cast.bob, project, group) != cold


interval_of_days = strategies.lists(strategies.sampled_from([300, 600]), min_size=1, max_size=3)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=interval_of_days, missing=strategies.floats(0, 1), seed=strategies.integers(0, 2**16))
def test_rows_of_the_month_serve_a_day_whatever_was_sent(days: list[int], missing: float, seed: int) -> None:
    cast, chance = make.cast(), random.Random(seed)
    project, appliance = enrolled(cast.bob, [machine("vm"), machine("silent")])
    for age, interval in enumerate(days):
        send_day(appliance, last_full_hour() - (age + 1) * DAY, interval, missing, chance)
    group = group_of_all(cast.bob, project)
    cold = shown(cast.bob, project, group)
    forget_rollups(cast)
    month = assessed(cast.bob, project, group, performance_window="1_month")
    percentiles_there(cast.bob, project, month["id"])  # makes the rows of all windows from one reading of the month
    assert {row[1] for row in stored_rows(cast)} == {"1_day", "1_week", "1_month"}
    assert shown(cast.bob, project, group) == cold


def send_day(appliance: Appliance, start: Any, interval: int, missing: float, chance: random.Random) -> None:
    count = 86_400 // interval
    values = [None if chance.random() < missing else round(chance.uniform(0, 100), 2) for _ in range(count)]
    sent = points("vm", start, count, cpu_percent=values)
    appliance.performance([sent], interval_seconds=interval)


def test_a_late_upload_is_seen_by_the_next_run() -> None:
    cast = make.cast()
    project, appliance = enrolled(cast.bob, [machine("vm")])
    group, start = group_of_all(cast.bob, project), last_full_hour() - DAY
    appliance.performance([points("vm", start, 72)])
    first = shown(cast.bob, project, group)
    assert first[1]["observed"]["cpu_percent"] == 20
    assert shown(cast.bob, project, group) == first
    appliance.performance([points("vm", start + DAY / 2, 72, cpu_percent=[90.0] * 72)])
    assert shown(cast.bob, project, group)[1]["observed"]["cpu_percent"] == 90


def test_points_after_the_window_leave_its_rows_alone() -> None:
    cast = make.cast()
    project, appliance = enrolled(cast.bob, [machine("vm")])
    group = group_of_all(cast.bob, project)
    appliance.performance([points("vm", last_full_hour() - DAY)])
    shown(cast.bob, project, group)
    before = [row for row in stored_rows(cast) if row[1] == "1_day"]
    appliance.performance([points("vm", last_full_hour(), 1, cpu_percent=[99.0])])
    shown(cast.bob, project, group)
    assert [row for row in stored_rows(cast) if row[1] == "1_day"] == before


def test_a_machine_without_points_has_no_row_and_is_assessed() -> None:
    cast = make.cast()
    project, appliance = enrolled(cast.bob, [machine("silent"), machine("vm")])
    appliance.performance([points("vm", last_full_hour() - DAY)])
    rows = shown(cast.bob, project, group_of_all(cast.bob, project))[1:3]
    assert [row["observed"].get("cpu_percent") for row in rows] == [None, 20]
    assert len({row[0] for row in stored_rows(cast)}) == 1


def test_folding_a_day_changes_no_run() -> None:
    cast = make.cast()
    project, group, _ = varied_estate(cast.bob, machines=2, days=3, seed=11)
    fresh = shown(cast.bob, project, group, performance_window="1_week")
    rows = [row for row in stored_rows(cast) if row[1] == "1_week"]
    with tenant_context(cast.tenant.id):
        fold_machines([row[0] for row in rows], (last_full_hour() - 2 * DAY).date())
    assert shown(cast.bob, project, group, performance_window="1_week") == fresh
    again = [row for row in stored_rows(cast) if row[1] == "1_week"]
    assert [row[3] for row in again] != [row[3] for row in rows]  # made anew
    assert [(*row[:3], *row[4:]) for row in again] == [(*row[:3], *row[4:]) for row in rows]


def test_what_is_not_on_the_menu_is_read_from_the_points() -> None:
    cast = make.cast()
    project, appliance = enrolled(cast.bob, [machine("vm")])
    group, end = group_of_all(cast.bob, project), last_full_hour()
    appliance.performance([points("vm", end - DAY, cpu_percent=[*range(100), *[0] * 44])])
    window = {"start": (end - DAY).isoformat(), "end": (end - DAY / 2).isoformat()}
    assert shown(cast.bob, project, group, performance_window=window)[1]["observed"]["cpu_percent"] == 68
    assert shown(cast.bob, project, group)[1]["observed"]["cpu_percent"] == 92


# --- the background ---------------------------------------------------------------------------------------------------


def worked_off(cast: make.Cast) -> None:
    wait_until(
        lambda: not Job.objects.filter(tenant_id=cast.tenant.id, state__in=OPEN_STATES).exists(), what="the jobs"
    )


def used_estate(machines: int = 2) -> tuple[make.Cast, str, str, Appliance]:
    """An estate that was assessed, with rows of all windows."""
    cast = make.cast()
    names = [f"vm-{number}" for number in range(machines)]
    project, appliance = enrolled(cast.bob, [machine(name) for name in names])
    appliance.performance([points(name, last_full_hour() - DAY) for name in names])
    group = group_of_all(cast.bob, project)
    percentiles_there(cast.bob, project, assessed(cast.bob, project, group)["id"])
    worked_off(cast)
    return cast, project, group, appliance


def test_nothing_is_done_while_nothing_changes() -> None:
    cast, *_ = used_estate()
    assert plan_refresh(cast.tenant.id, last_full_hour()) == 0


def test_no_work_for_an_estate_that_nobody_assessed() -> None:
    cast = make.cast()
    _, appliance = enrolled(cast.bob, [machine("vm")])
    appliance.performance([points("vm", last_full_hour() - DAY)])
    assert plan_refresh(cast.tenant.id, last_full_hour()) == 0
    assert stored_rows(cast) == []


def test_changed_points_are_rolled_up_again_before_anybody_asks() -> None:
    cast, project, group, appliance = used_estate()
    appliance.performance([points("vm-1", last_full_hour() - DAY / 2, 6, cpu_percent=[77.0] * 6)])
    assert plan_refresh(cast.tenant.id, last_full_hour()) == 1
    worked_off(cast)
    refreshed = stored_rows(cast)
    assert plan_refresh(cast.tenant.id, last_full_hour()) == 0
    shown(cast.bob, project, group)
    assert stored_rows(cast) == refreshed


def test_the_next_hour_is_rolled_up() -> None:
    cast, *_ = used_estate()
    with tenant_context(cast.tenant.id):
        hour_before = {"start_at": last_full_hour() - DAY, "end_at": last_full_hour() - timedelta(hours=1)}
        Rollup.objects.update(**hour_before)
    assert plan_refresh(cast.tenant.id, last_full_hour()) == 1
    worked_off(cast)
    assert {row[2] for row in stored_rows(cast)} == {last_full_hour()}


def test_refreshers_at_once_leave_what_one_leaves() -> None:
    cast, *_ = used_estate(machines=6)
    before = stored_rows(cast)
    machine_ids = sorted({row[0] for row in before})
    forget_rollups(cast)

    def make_rows() -> None:
        refresh(cast.tenant.id, machine_ids, last_full_hour(), now=last_full_hour(), used=True)
        connection.close()

    threads = [threading.Thread(target=make_rows) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored_rows(cast) == before


def test_rows_that_no_run_used_for_a_day_are_forgotten() -> None:
    cast, *_ = used_estate()
    assert len(stored_rows(cast)) == 6
    forget_unused(cast.tenant.id, last_full_hour() + KEPT_AFTER_USE - timedelta(hours=1))
    assert len(stored_rows(cast)) == 6
    forget_unused(cast.tenant.id, last_full_hour() + KEPT_AFTER_USE + timedelta(hours=2))
    assert stored_rows(cast) == []


# --- what else must hold ----------------------------------------------------------------------------------------------


def test_reading_rows_takes_as_many_queries_for_many_machines_as_for_one() -> None:
    cast, *_ = used_estate(machines=5)
    machine_ids = sorted({row[0] for row in stored_rows(cast)})

    def queries(asked: list[UUID]) -> int:
        with tenant_context(cast.tenant.id), CaptureQueriesContext(connection) as captured:
            utilization(asked, last_full_hour() - DAY, last_full_hour(), 95)
        return len(captured)

    assert queries(machine_ids) == queries(machine_ids[:1]) == 3


def test_a_stranger_sees_no_row() -> None:
    used_estate()
    with tenant_context(make.cast().tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ingest_rollup")
        assert cursor.fetchone() == (0,)


def test_something_else_is_kept_with_the_month() -> None:
    cast, *_ = used_estate()
    name = "points of the month, for a test"
    also(name, lambda machine_id, month: machine_id.bytes + bytes([int(month.points()[0])]))
    try:
        machine_ids = sorted({row[0] for row in stored_rows(cast)})
        wanted = {machine_id: machine_id.bytes + bytes([144]) for machine_id in machine_ids}
        end_at = last_full_hour()
        with tenant_context(cast.tenant.id):
            assert kept(name, machine_ids, end_at) == wanted  # from the blocks: no row has it yet
        refresh(cast.tenant.id, machine_ids, end_at, now=end_at, used=True)
        with tenant_context(cast.tenant.id):
            assert {name in row.extra_names for row in Rollup.objects.filter(window_name="1_month")} == {True}
            PerformanceBlock.objects.update(values=b"")
            assert kept(name, machine_ids, end_at) == wanted
    finally:
        forget_also(name)
