"""The short traces of many machines are, word for word, parts of the whole trace of each."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessments.engine.explain import explain
from assessments.engine.explain_bulk import BriefTrace, explain_briefly
from assessments.engine.machines import Machines
from assessments.engine.rankings import Rankings
from assessments.engine.settings import DiskType, Settings
from assessments.engine.target import Target
from assessments.engine.trace import MachineTrace
from assessments.engine.values import Catalog
from tests.assessments.engine.estate import (
    Disk,
    Machine,
    Offerings,
    Size,
    estate,
    premium_v2_terms,
    ultra_terms,
)
from tests.assessments.engine.test_laws import catalogs, choices, estates

V2 = premium_v2_terms(gib_hour="0.0001", iops_hour="0.00001", mbps_hour="0.0001")
ULTRA = ultra_terms(gib_hour="0.0002", iops_hour="0.00007", mbps_hour="0.0005")


def agree(machines: Machines, catalog: Catalog, chosen: Settings, shown: int) -> list[BriefTrace]:
    """The short traces, each compared with the whole one."""
    briefs = explain_briefly(machines, Rankings(Target.of(catalog, chosen)), shown=shown)
    assert len(briefs) == len(machines)
    for row, brief in enumerate(briefs):
        _check(brief, explain(machines, row, catalog, chosen), shown)
    return briefs


def _check(brief: BriefTrace, whole: MachineTrace, shown: int) -> None:
    headline = next(one for one in whole.scenarios if one.name == whole.headline)
    arithmetic = {one.dimension: one.arithmetic for one in whole.required}
    assert (brief.cores_arithmetic, brief.memory_arithmetic) == (arithmetic["cores"], arithmetic["memory_mb"])
    assert (brief.runner_up, brief.price_lines) == (headline.runner_up, headline.price_lines)
    assert (brief.refused_count, brief.refused) == (len(whole.refused), whole.refused[-shown:])
    for short, disk in zip(brief.disks, whole.disks, strict=True):
        assert (short.required_iops, short.required_mbps) == tuple(one.value for one in disk.required)
        assert (short.runner_up, short.price_lines) == (disk.runner_up, disk.price_lines)
        assert (short.refused_count, short.refused) == (len(disk.refused), disk.refused[-shown:])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(estates, catalogs, choices, st.sampled_from([1, 3]))
def test_short_and_whole_trace_agree(estate_: list[Machine], sizes_: list[Size], chosen: Settings, shown: int) -> None:
    agree(estate(estate_), Offerings(sizes_).catalog(), chosen, shown)


@pytest.mark.parametrize(
    "types", [("premium_ssd_v2", "ultra"), ("standard_hdd", "premium_ssd_v2"), ("ultra",), ("premium_ssd",)]
)
@pytest.mark.parametrize("offered", [True, False])
def test_freely_sized_disks_agree(types: tuple[DiskType, ...], offered: bool) -> None:
    disks = [Disk(30, 1, 1, 1, 1), Disk(500, 9000, 4000, 200, 90), Disk(70_000, 1, 1, 1, 1), Disk(64, 99_000, 0, 0, 0)]
    found = Offerings(
        [Size("small", linux="0.1")], premium_v2=V2 if offered else None, ultra=ULTRA if offered else None
    )
    machines = estate([Machine(cores=1, cpu=10, memory=10, disks=disks)])
    [brief] = agree(machines, found.catalog(), Settings(disk_types=types), 2)
    assert len(brief.disks) == len(disks)


def test_burstable_sizes_are_refused_for_their_own_machine() -> None:
    sizes = [
        Size("burstable", linux="0.05", burstable=True, burst=(60, 24, 576)),
        Size("steady", linux="0.10"),
        Size("large", linux="0.20"),
    ]
    machines = estate(
        [Machine(cores=2, cpu=20, memory=10), Machine(cores=2, cpu=20, memory=10)],
        cpu_history=[[20.0] * 168, [90.0] * 168],
        interval_minutes=60,
    )
    quiet, busy = agree(machines, Offerings(sizes).catalog(), Settings(comfort_factor=Decimal(1)), 3)
    assert quiet.refused == ()
    assert [one.constraint for one in busy.refused[0].refusals] == ["cpu_credits"]


def test_nothing_on_sale_and_nothing_to_sell_to() -> None:
    empty = Offerings([], tiers=[]).catalog()
    assert agree(estate([Machine()]), empty, Settings(), 3)[0].refused_count == 0
    assert agree(estate([]), Offerings([Size("small", linux="0.1")]).catalog(), Settings(), 3) == []
