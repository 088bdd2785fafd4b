"""Closed days are folded into one row a machine, and nobody who reads can tell."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import ProgrammingError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.fold_jobs import FOLD_TASK, fold_in_turns, queue_folds
from ingest.folded_ranks import pack_ranks, unpack_ranks
from ingest.folded_values import pack_values, unpack_values
from ingest.folding import FoldFailedError, closed_days, days_to_fold, fold_day, fold_machines
from ingest.merging import MachineSeries, Ranks
from ingest.models import DailyStatistics, FoldedDay, PerformanceBlock
from ingest.partitions import make_partitions_to_fold
from ingest.performance import read_series
from ingest.tasks import give_back_space
from migrate_hub.jobs.claiming import Claim, claim
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.jobs.queueing import enqueue_once
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.conftest import wait_until
from tests.ingest import estates

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
DAY_LONG = timedelta(days=1)
TOMORROW = DAY + DAY_LONG


class Scene:
    """A tenant of its own with one appliance and the machines vm-1 and vm-2."""

    def __init__(self) -> None:
        self.cast = make.cast()
        self.tenant_id = self.cast.tenant.id
        self.site = estates.appliance(people=self.cast.alice)
        self.site.inventory(estates.machine("vm-1"), estates.machine("vm-2"))
        self.first, self.second = (UUID(self.site.machine_id(name)) for name in ("vm-1", "vm-2"))

    def send(self, *, start_at: datetime = DAY, sequence: int, interval: int = 600, **series: Any) -> None:
        """The same points of both machines."""
        sent = [estates.points(name, start_at=start_at, **series) for name in ("vm-1", "vm-2")]
        answer = self.site.performance(*sent, sequence=sequence, interval_seconds=interval)
        assert answer == {"accepted": 2, "rejected": []}

    def whole_day(self) -> None:
        for hour in range(24):
            start = DAY + timedelta(hours=hour)
            disks = {"d": {"read_iops": [hour] * 6}}
            cpu = [hour, None, *range(4)]
            self.send(start_at=start, sequence=100 + hour, disks=disks, cpu_percent=cpu, memory_percent=[50.5] * 6)

    def fold(self) -> int:
        return sum(fold_day(self.tenant_id, DAY.date()))

    def fold_first(self) -> None:
        """Folds vm-1 and leaves vm-2 as it is."""
        with tenant_context(self.tenant_id):
            make_partitions_to_fold(DAY.date())
            fold_machines([self.first], DAY.date())

    def read(self, start: datetime = DAY, end: datetime = TOMORROW) -> dict[UUID, MachineSeries]:
        with tenant_context(self.tenant_id):
            return {found.machine_id: found for found in read_series([self.first, self.second], start, end)}

    def blocks(self) -> int:
        with tenant_context(self.tenant_id):
            return PerformanceBlock.objects.count()

    def folded(self) -> list[FoldedDay]:
        with tenant_context(self.tenant_id):
            return list(FoldedDay.objects.order_by("machine_id", "interval_seconds"))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def _same(one: MachineSeries | None, other: MachineSeries | None) -> None:
    """Two machines have the same points, whatever the order of their series."""
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    assert one.interval_seconds == other.interval_seconds
    assert set(one.series) == set(other.series)
    order = [other.series.index(series) for series in one.series]
    np.testing.assert_array_equal(one.values, other.values[order])
    np.testing.assert_array_equal(one.weights, other.weights)


def test_a_closed_day_becomes_one_row_a_machine_and_reads_as_before(scene: Scene) -> None:
    scene.whole_day()
    before = scene.read()
    assert scene.fold() == 2
    assert (scene.blocks(), len(scene.folded())) == (0, 2)
    after = scene.read()
    for machine_id in (scene.first, scene.second):
        _same(before[machine_id], after[machine_id])
    assert not np.isnan(after[scene.first].values).all()


def test_a_part_of_a_folded_day_is_read_as_a_part_of_its_blocks(scene: Scene) -> None:
    scene.whole_day()
    scene.fold_first()
    part = scene.read(DAY + timedelta(hours=5, minutes=20), DAY + timedelta(hours=9))
    assert part[scene.first].values.shape[1] == 22
    _same(part[scene.first], part[scene.second])


def test_a_second_fold_finds_nothing_to_do(scene: Scene) -> None:
    scene.whole_day()
    scene.fold()
    versions = [row.version for row in scene.folded()]
    assert scene.fold() == 0
    assert [row.version for row in scene.folded()] == versions


def test_late_points_of_a_lower_sequence_fill_gaps_and_change_nothing_else(scene: Scene) -> None:
    scene.send(sequence=8, cpu_percent=[50, None, 70])
    scene.fold_first()
    scene.send(sequence=7, cpu_percent=[1, 2, 3, 4])
    for again in (False, True):
        if again:
            scene.fold_first()
        found = scene.read()
        assert found[scene.first].values[0, :4].tolist() == [50, 2, 70, 4]
        _same(found[scene.first], found[scene.second])


def test_each_write_has_a_new_version(scene: Scene) -> None:
    scene.send(sequence=8, cpu_percent=[50])
    scene.fold()
    versions = {row.version for row in scene.folded()}
    scene.send(sequence=9, cpu_percent=[51])
    scene.fold()
    assert len(versions | {row.version for row in scene.folded()}) == 4


def test_points_of_a_file_import_are_never_folded(scene: Scene) -> None:
    scene.send(sequence=8, cpu_percent=[None, 2])
    with tenant_context(scene.tenant_id):
        block = PerformanceBlock.objects.filter(machine_id=scene.first)
        (layout,) = block.values_list("layout_id", flat=True)
        PerformanceBlock.objects.create(
            machine_id=scene.first,
            start_at=DAY,
            appliance_id=uuid4(),
            epoch=0,
            sequence=2**60,
            layout_id=layout,
            interval_seconds=600,
            points=3,
            values=np.array([7, 7, 7], dtype="<f4").tobytes(),
        )
    scene.fold()
    assert scene.blocks() == 1
    assert scene.read()[scene.first].values[0, :3].tolist() == [7, 2, 7]
    with tenant_context(scene.tenant_id):
        assert days_to_fold(timezone.now()) == []


UPLOADS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=7),
        st.sampled_from([600, 600, 300]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(uploads=UPLOADS, data=st.data())
def test_any_order_overlap_repetition_and_folding_in_between_gives_the_same_series(
    uploads: list[tuple[int, list[int | None], int]], data: Any
) -> None:
    scene = Scene()
    for number in data.draw(st.permutations([*range(len(uploads)), 0])):
        offset, values, interval = uploads[number]
        disks = {f"disk-{i}": {"read_iops": values} for i in range(number % 3)}
        start = DAY + offset * timedelta(minutes=10)
        scene.send(start_at=start, sequence=number + 10, interval=interval, cpu_percent=values, disks=disks)
        if data.draw(st.booleans()):
            scene.fold_first()
    start = DAY + data.draw(st.integers(0, 6)) * timedelta(minutes=10)
    for window in ((DAY, TOMORROW), (start, start + timedelta(minutes=30))):
        found = scene.read(*window)
        _same(found.get(scene.first), found.get(scene.second))


def test_two_folds_and_uploads_at_once_lose_and_repeat_nothing(scene: Scene) -> None:
    machines = [f"m-{i}" for i in range(40)]
    scene.site.inventory(*[estates.machine(name) for name in machines])

    def upload(hour: int) -> None:
        start = DAY + timedelta(hours=hour)
        sent = [estates.points(name, start_at=start, cpu_percent=[hour] * 6) for name in machines]
        client = estates.ApplianceApi(token=scene.site.token)
        client.ok(client.upload(estates.PERFORMANCE, {"interval_seconds": 600, "machines": sent, "sequence": hour}))

    def uploads(first: int) -> None:
        for hour in range(first, 24, 2):
            upload(hour)
        connection.close()

    def folds() -> None:
        for _ in range(8):
            for _ in fold_day(scene.tenant_id, DAY.date(), chunk_bytes=1000):
                pass
        connection.close()

    threads = [threading.Thread(target=uploads, args=(first,)) for first in (0, 1)]
    threads += [threading.Thread(target=folds) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scene.fold()
    assert scene.blocks() == 0
    ids = [UUID(scene.site.machine_id(name)) for name in machines[:3]]
    with tenant_context(scene.tenant_id):
        for found in read_series(ids, DAY, TOMORROW):
            assert found.values[0].tolist() == [float(hour) for hour in range(24) for _ in range(6)]
        assert FoldedDay.objects.count() == 40


def test_a_fold_that_breaks_off_has_folded_whole_chunks(scene: Scene) -> None:
    scene.whole_day()
    before = scene.read()
    turns = [None]
    with pytest.raises(IndexError):
        list(fold_day(scene.tenant_id, DAY.date(), chunk_bytes=1, before_chunk=turns.pop))
    assert (scene.blocks(), len(scene.folded())) == (24, 1)
    assert scene.fold() == 1
    for machine_id in (scene.first, scene.second):
        _same(before[machine_id], scene.read()[machine_id])


def test_chunks_are_cut_by_what_a_day_of_all_series_takes(scene: Scene) -> None:
    """One point of two series is 8 bytes sent, and a day of 1,152 bytes."""
    scene.send(sequence=1, cpu_percent=[1], memory_percent=[1])
    assert list(fold_day(scene.tenant_id, DAY.date(), chunk_bytes=2300)) == [1, 1]
    scene.send(sequence=2, cpu_percent=[2])
    assert list(fold_day(scene.tenant_id, DAY.date(), chunk_bytes=2 * (576 + 1152))) == [1, 1]
    scene.send(sequence=3, cpu_percent=[3])
    assert list(fold_day(scene.tenant_id, DAY.date(), chunk_bytes=2 * (4 + 576 + 1152))) == [2]


def _spoil(scene: Scene) -> None:
    """A late point of both machines, and a folded day of the first one that nobody can read any more."""
    scene.send(sequence=1, cpu_percent=[1])
    scene.fold()
    with tenant_context(scene.tenant_id):
        FoldedDay.objects.filter(machine_id=scene.first).update(ranks=b"spoiled")
    scene.send(sequence=2, cpu_percent=[2])


def test_a_machine_that_cannot_be_folded_keeps_no_other(scene: Scene) -> None:
    _spoil(scene)
    with pytest.raises(FoldFailedError, match="1 machines"):
        scene.fold()
    assert scene.blocks() == 1
    with tenant_context(scene.tenant_id):
        (second,) = read_series([scene.second], DAY, TOMORROW)
    assert second.values[0, 0] == 2


def test_a_job_folds_all_the_rest_in_its_turns_before_it_fails(scene: Scene) -> None:
    _spoil(scene)
    scene.send(start_at=TOMORROW, sequence=3, cpu_percent=[3])
    with tenant_context(scene.tenant_id):
        enqueue_once(FOLD_TASK, scene.cast.tenant.public_id, queue="nobody", not_before=timezone.now())
    left = []
    for _ in range(2):
        fold_in_turns(_claimed(scene), turn_seconds=0)
        left.append(scene.blocks())
        assert _job(scene).state == JobState.QUEUED
    assert left == [3, 1]
    with pytest.raises(FoldFailedError, match="1 days"):
        fold_in_turns(_claimed(scene), turn_seconds=0)


def _claimed(scene: Scene) -> Claim:
    held = claim(scene.tenant_id, _job(scene).id)
    assert held is not None
    return held


def test_a_day_is_closed_two_hours_after_its_end() -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert closed_days(midnight + timedelta(hours=1, minutes=59))[-1] == date(2026, 11, 20)
    assert closed_days(midnight + timedelta(hours=2))[-1] == date(2026, 11, 21)
    assert len(closed_days(midnight)) == 35


def test_the_background_folds_what_is_closed_and_leaves_today(scene: Scene, background: None) -> None:
    scene.whole_day()
    scene.send(start_at=estates.an_hour_ago(0), sequence=900, cpu_percent=[1])
    queue_folds(timezone.now())
    Job.objects.filter(tenant_id=scene.tenant_id).update(not_before=timezone.now())  # before other tests' tenants
    wait_until(lambda: scene.blocks() == 2, what="the fold")
    wait_until(lambda: _job(scene).state == JobState.DONE, what="the job's end")
    assert len(scene.folded()) == 2


def _job(scene: Scene) -> Job:
    return Job.objects.get(tenant_id=scene.tenant_id, task=FOLD_TASK)


def test_one_open_job_a_tenant_and_none_for_a_tenant_without_blocks(scene: Scene) -> None:
    idle = make.cast().tenant.id
    scene.whole_day()
    for _ in range(2):
        queue_folds(timezone.now() + timedelta(minutes=5))
    assert _job(scene).state == JobState.QUEUED
    assert not Job.objects.filter(tenant_id=idle, task=FOLD_TASK).exists()
    Job.objects.filter(tenant_id=scene.tenant_id).delete()


@pytest.mark.parametrize("model", [FoldedDay, DailyStatistics])
def test_folded_rows_are_seen_by_their_tenant_only(scene: Scene, model: Any) -> None:
    scene.whole_day()
    scene.fold()
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (0,)
        with tenant_context(make.cast().tenant.id):
            cursor.execute(f"SELECT count(*) FROM {table} WHERE machine_id = %s", [scene.first])
            assert cursor.fetchone() == (0,)
        with tenant_context(scene.tenant_id):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (2,)


@pytest.mark.parametrize("partition", [f"ingest_foldedday_{DAY:%Y%m%d}", f"ingest_dailystatistics_{DAY:%Y%m}"])
def test_a_partition_of_folded_rows_cannot_be_read_directly(partition: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(f"SELECT count(*) FROM {partition}")


VALUES = st.one_of(
    st.none(),
    st.integers(0, 70_000).map(lambda n: n / 100),
    st.integers(0, 2**25).map(lambda n: n / 10_000),
    st.floats(0, 1e9, width=32),
)


@given(
    days=st.lists(st.lists(st.lists(VALUES, min_size=6, max_size=6), min_size=3, max_size=3), min_size=1, max_size=3)
)
def test_packed_values_come_back_bit_by_bit(days: list[list[list[float | None]]]) -> None:
    values = np.array(days, dtype=np.float64).round(4).astype("<f4")
    packed = b"".join(pack_values(day) for day in values)
    assert unpack_values(packed, 6, len(days)).tobytes() == values.tobytes()


def test_points_of_two_decimals_take_two_bytes() -> None:
    values = (np.arange(288, dtype=np.float64).reshape(2, 144) / 100).astype("<f4")
    assert len(pack_values(values)) == 2 + 2 + 2 * 288
    assert len(pack_values(np.full((2, 144), np.nan, dtype="<f4"))) == 2 + 2


def test_what_folding_emptied_is_given_back(scene: Scene) -> None:
    """The index of the day shrinks to nothing once vacuum, here called by hand, has cut the table."""
    start = DAY - timedelta(days=20)  # nobody else's day
    machines = [f"m-{i}" for i in range(45)]
    scene.site.inventory(*[estates.machine(name) for name in machines])
    for hour in range(24):
        at = start + timedelta(hours=hour)
        scene.site.performance(*[estates.points(name, start_at=at, cpu_percent=[hour]) for name in machines])
    partition = f"ingest_performanceblock_{start:%Y%m%d}"
    assert _sizes(partition)["index"] > 65536
    give_back_space()
    full = _sizes(partition)
    assert sum(fold_day(scene.tenant_id, start.date())) == 45
    connections["owner"].cursor().execute(f"VACUUM {partition}")
    give_back_space()
    assert (full["heap"] > 65536, _sizes(partition)["heap"], _sizes(partition)["index"] < 32768) == (True, 0, True)
    machine_id = UUID(scene.site.machine_id("m-7"))
    with tenant_context(scene.tenant_id):
        (found,) = read_series([machine_id], start, start + timedelta(days=1))
    assert found.values[0, ::6].tolist() == [float(hour) for hour in range(24)]


def _sizes(partition: str) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s::regclass), pg_indexes_size(%s::regclass)", [partition, partition])
        return dict(zip(("heap", "index"), cursor.fetchone(), strict=True))


def test_today_is_never_reclaimed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ingest_reclaim_partition(%s)", [datetime.now(UTC).date()])
        assert cursor.fetchone() == (False,)


def test_the_metrics_tell_of_bytes_and_of_folding_that_waits(scene: Scene) -> None:
    scene.whole_day()
    with tenant_context(scene.tenant_id):
        enqueue_once(FOLD_TASK, scene.cast.tenant.public_id, queue="nobody", not_before=timezone.now())
    Job.objects.filter(tenant_id=scene.tenant_id).update(created_at=timezone.now() - timedelta(hours=9))
    told = Client().get("/metrics").content.decode()
    Job.objects.filter(tenant_id=scene.tenant_id).delete()
    lines = dict(line.rsplit(" ", 1) for line in told.splitlines() if line.startswith("migrate_hub_"))
    assert float(lines['migrate_hub_history_bytes{table="ingest_performanceblock"}']) > 100_000
    assert float(lines["migrate_hub_fold_waiting_seconds"]) >= 9 * 3600


@pytest.mark.parametrize("count", [1, 24, 256, 300])
def test_packed_ranks_come_back(count: int) -> None:
    table = [bytes([1, *number.to_bytes(3, "big")]) * 9 for number in range(count)]
    index = np.arange(2 * 288).reshape(2, 288) * 7 % count
    ranks = unpack_ranks(pack_ranks(Ranks(table, index)), (2, 288))
    assert ranks.table == table
    assert ranks.index.tolist() == [index.tolist()]


def test_machines_are_read_in_chunks_of_what_they_hold(scene: Scene) -> None:
    """One folded point of one series is a day of 576 bytes, and a block 4 bytes and its key.

    The driver counts no COPY, but the layouts that are read for each chunk.
    """
    scene.send(sequence=1, cpu_percent=[1])
    scene.fold()
    scene.send(sequence=2, start_at=TOMORROW, cpu_percent=[2])
    assert _queries(scene, chunk_bytes=2 * 624 - 1) == _queries(scene, chunk_bytes=2 * 624) + 1


def _queries(scene: Scene, *, chunk_bytes: int) -> int:
    with tenant_context(scene.tenant_id), CaptureQueriesContext(connection) as queries:
        found = list(read_series([scene.first, scene.second], DAY, TOMORROW + DAY_LONG, chunk_bytes=chunk_bytes))
    assert [one.values[0, [0, 144]].tolist() for one in found] == [[1, 2], [1, 2]]
    return len(queries)
