"""Daily statistics: written with the fold, kept for 13 months, shown by charts that reach beyond the points."""

import tracemalloc
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from ingest import charts
from ingest.daily import COLUMNS, DailyValues, DayOfMachine, read_daily, store_daily
from ingest.fold_jobs import FORGET_TASK, queue_folds
from ingest.forgetting import forget_machines
from ingest.models import DailyStatistics, FoldedDay, PerformanceBlock
from ingest.partitions import DAILY, FOLDED, make_partitions_to_fold, partition_days
from ingest.series import Series
from ingest.tasks import keep_partitions_around
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.tenants.row_level_security import isolation_faults, tenant_context
from tests.conftest import wait_until
from tests.ingest.test_folding import DAY, TOMORROW, Scene, scene

__all__ = ["scene"]
CPU, MEMORY = Series("", "", "cpu_percent"), Series("", "", "memory_percent")


def _stored(scene: Scene) -> DailyValues:
    with tenant_context(scene.tenant_id):
        (found,) = read_daily(scene.first, DAY.date(), TOMORROW.date())
    return found


def _of(found: DailyValues, series: Series) -> dict[str, float]:
    return dict(zip(COLUMNS, found.values[found.row_of[series]].tolist(), strict=True))


def _send_hours(scene: Scene, values: "np.ndarray[Any, np.dtype[np.float64]]") -> None:
    for hour, six in enumerate(values.reshape(-1, 6).tolist()):
        known = [None if np.isnan(value) else value for value in six]
        scene.send(start_at=DAY + timedelta(hours=hour), sequence=100 + hour, cpu_percent=known)


def test_the_statistics_of_a_day_are_those_of_numpy(scene: Scene) -> None:
    values = np.random.default_rng(7).uniform(0, 100, 144).round(2)
    values[20:31] = np.nan
    _send_hours(scene, values)
    scene.fold()
    known = values[~np.isnan(values)]
    ranked = np.percentile(known, [50, 95, 99], method="inverted_cdf")
    expected = [len(known), known.min(), known.mean(), *ranked, known.max(), 0]
    assert list(_of(_stored(scene), CPU).values()) == pytest.approx(expected, rel=1e-5)


def test_the_average_is_that_of_the_interval_averages_where_they_were_sent(scene: Scene) -> None:
    scene.send(sequence=1, cpu_percent=[90, 80], memory_percent=[50, 60], cpu_percent_average=[10, None])
    scene.fold()
    stored = _stored(scene)
    cpu, memory = _of(stored, CPU), _of(stored, MEMORY)
    assert (cpu["average"], cpu["averages"], cpu["maximum"]) == (10, 1, 90)
    assert (memory["average"], memory["averages"]) == (55, 0)
    assert set(stored.series) == {CPU, MEMORY}


def test_late_points_change_the_statistics_of_their_day(scene: Scene) -> None:
    scene.send(sequence=1, cpu_percent=[10])
    scene.fold()
    scene.send(sequence=2, start_at=DAY + timedelta(hours=5), cpu_percent=[30, 20])
    scene.fold()
    assert list(_of(_stored(scene), CPU).values()) == [3, 10, 20, 20, 30, 30, 30, 0]


def test_points_of_two_intervals_count_in_the_finer_one(scene: Scene) -> None:
    scene.send(sequence=1, cpu_percent=[10, 20])
    scene.fold()
    scene.send(sequence=2, start_at=DAY + timedelta(hours=1), interval=300, cpu_percent=[40])
    scene.fold()
    cpu = _of(_stored(scene), CPU)
    assert (cpu["count"], cpu["average"]) == (5, 20)


def test_a_machine_of_which_nothing_is_known_has_a_day_of_nothing(scene: Scene) -> None:
    scene.send(sequence=1, cpu_percent=[None, None])
    scene.fold()
    assert _of(_stored(scene), CPU)["count"] == 0
    assert np.isnan(_of(_stored(scene), CPU)["maximum"])


def _put_day(scene: Scene, day: date, **values: float) -> None:
    """Statistics of a day that was folded long ago."""
    points = np.full((1, 144), np.nan, dtype=np.float32)
    points[0, :2] = values["low"], values["high"]
    with tenant_context(scene.tenant_id):
        make_partitions_to_fold(day)
        store_daily([DayOfMachine(scene.first, 600, (CPU,), points)], day)


def test_a_chart_beyond_the_points_shows_days(scene: Scene) -> None:
    long_ago = DAY - timedelta(days=200)
    _put_day(scene, long_ago.date(), low=10, high=30)
    scene.send(sequence=1, cpu_percent=[50, 60, 70])
    scene.fold()
    scene.send(sequence=2, start_at=TOMORROW, cpu_percent=[1, 2])
    chart = scene.site.chart("vm-1", long_ago, TOMORROW + timedelta(hours=12))
    cpu = chart["cpu_percent"]
    assert (chart["source"], chart["bucket_seconds"], chart["interval_seconds"]) == ("daily", 86400, 600)
    assert datetime.fromisoformat(chart["start_at"]) == long_ago
    assert [cpu[name][0] for name in ("minimum", "average", "median", "maximum")] == [10, 20, 10, 30]
    assert cpu["minimum"][1:-2] == [None] * 199
    assert [cpu[name][-2:] for name in ("minimum", "average", "maximum")] == [[50, 1], [60, 1.5], [70, 2]]
    assert cpu["average_of"] == "points"


def test_days_are_put_together_where_few_points_are_asked_for(scene: Scene) -> None:
    first = DAY - timedelta(days=100)
    for number, low in enumerate([10, 20, 30]):
        _put_day(scene, (first + timedelta(days=number)).date(), low=low, high=low + 1)
    chart = _chart(scene, first, first + timedelta(days=4), points=2)
    assert chart["bucket_seconds"] == 2 * 86400
    assert chart["cpu_percent"]["maximum"] == [21, 31]
    assert chart["cpu_percent"]["average"] == [15.5, 30.5]
    assert "median" not in chart["cpu_percent"]


def _chart(scene: Scene, start: datetime, end: datetime, **query: object) -> Any:
    window = "&".join(f"{name}={value}" for name, value in {"start": start, "end": end, **query}.items())
    path = f"projects/{scene.site.project}/machines/{scene.first}/performance/?{window}"
    return scene.site.people.ok(scene.site.people.get(path.replace("+", "%2B").replace(" ", "T")))


def test_points_are_put_together_to_the_pixels_asked_for(scene: Scene) -> None:
    _send_hours(scene, np.arange(144.0) % 100)
    chart = _chart(scene, DAY, TOMORROW, points=10)
    assert (chart["source"], chart["bucket_seconds"]) == ("points", 9000)
    assert len(chart["cpu_percent"]["maximum"]) == 10
    assert chart["cpu_percent"]["maximum"][0] == 14


def test_many_series_share_the_buckets_of_an_answer(scene: Scene) -> None:
    """257 series get 389 buckets each; 432 intervals become 216."""
    scene.send(sequence=1, cpu_percent=[10, 30], disks={f"d{n}": {"read_iops": [5, 6]} for n in range(256)})
    shown = _chart(scene, DAY, DAY + timedelta(days=3))
    assert (shown["bucket_seconds"], len(shown["cpu_percent"]["maximum"]), len(shown["disks"])) == (1200, 216, 256)
    assert [shown["cpu_percent"][name][0] for name in ("minimum", "average", "maximum")] == [10, 20, 30]


def test_a_chart_takes_little_more_memory_than_its_points(scene: Scene) -> None:
    scene.send(sequence=1, cpu_percent=[10], disks={f"d{n}": {"read_iops": [5]} for n in range(256)})
    end = DAY + timedelta(days=3)
    tracemalloc.start()
    try:
        with tenant_context(scene.tenant_id):
            found = charts.chart(scene.first, end - timedelta(days=34), end, now=timezone.now(), points=100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found["source"] == "points"
    assert peak < 4 * (257 * 34 * 144 * 4)


@pytest.mark.parametrize("points", ["0", "1001", "ten", "-5", "1e2", "²"])
def test_a_senseless_number_of_points_is_refused(scene: Scene, points: str) -> None:
    path = f"projects/{scene.site.project}/machines/{scene.first}/performance/?points={points}"
    assert scene.site.people.get(path).status_code == 400


def _make_past_partition(table: str, day: date, days: int, suffix: str) -> str:
    """As a function of the owner would have made it when the day was new."""
    name = f"{table}_{day:{suffix}}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING ALL)")
        cursor.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        cursor.execute(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)", [day, day + timedelta(days)]
        )
    return name


def test_folded_days_go_after_the_points_retention_and_daily_statistics_after_13_months() -> None:
    today = datetime.now(UTC).date()
    old_month = (today.replace(day=1) - timedelta(days=430)).replace(day=1)
    past_day = _make_past_partition(FOLDED, today - timedelta(days=400), 1, "%Y%m%d")
    past_month = _make_past_partition(DAILY, old_month, 28, "%Y%m")
    with transaction.atomic():
        make_partitions_to_fold(today - timedelta(days=366))
    keep_partitions_around(today)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [past_day, past_month])
        assert cursor.fetchone() == (None, None)
    assert partition_days(FOLDED)[0] >= today - timedelta(days=36)
    assert partition_days(DAILY)[0] == (today - timedelta(days=366)).replace(day=1)
    assert isolation_faults() == []


@pytest.mark.parametrize(
    ("function", "days"), [("ingest_drop_folded_partition", 32), ("ingest_drop_daily_partition", 390)]
)
def test_what_is_young_cannot_be_dropped(function: str, days: int) -> None:
    with pytest.raises(DatabaseError, match="not old enough"), transaction.atomic():
        connection.cursor().execute(f"SELECT {function}(%s)", [datetime.now(UTC).date() - timedelta(days=days)])


def test_a_helper_of_the_owner_is_not_for_the_runtime_role() -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute("SELECT ingest_add_partition('ingest_foldedday', 'x', '1999-01-01', '1999-01-02')")


def test_the_history_of_a_deleted_project_is_deleted(scene: Scene, background: None) -> None:
    scene.send(sequence=1, cpu_percent=[50])
    scene.fold()
    scene.send(sequence=2, cpu_percent=[None, 60])
    with tenant_context(scene.tenant_id):
        assert forget_machines([UUID(int=5)]) == 0
        assert forget_machines([scene.second]) == 3
    assert scene.site.people.delete(f"projects/{scene.site.project}/").status_code == 204
    queue_folds(timezone.now())
    jobs = Job.objects.filter(tenant_id=scene.tenant_id, task=FORGET_TASK)
    jobs.update(not_before=timezone.now())  # before those of other tests' tenants
    wait_until(lambda: jobs.filter(state=JobState.DONE).exists(), what="the deletion")
    with tenant_context(scene.tenant_id):
        assert [model.objects.count() for model in (PerformanceBlock, FoldedDay, DailyStatistics)] == [0, 0, 0]
