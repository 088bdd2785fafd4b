"""The decision trace tells of each series the percentiles of the menu, over the window of the run."""

from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.assessments.varied import percentiles_there
from tests.estate import POINTS_A_DAY, assessed, enrolled, group_of_all, instant, last_full_hour, machine, points

pytestmark = pytest.mark.usefixtures("catalog", "background")

Json = dict[str, Any]
RISING = [round(0.3 * (number + 1), 1) for number in range(POINTS_A_DAY)]
WRITES = [float(number) for number in range(POINTS_A_DAY)]
NAMES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "maximum": 100}
Place = tuple[make.Api, str, str]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    """A project and the group of its machines: one busier from point to point, one beside it, one without history."""
    api = make.cast().alice
    names = ("beside", "rising", "silent")
    project, appliance = enrolled(api, [machine(name) for name in names])
    start = last_full_hour() - timedelta(days=1)
    disk = {"read_iops": WRITES, "write_iops": RISING, "read_mbps": RISING, "write_mbps": [None] * POINTS_A_DAY}
    appliance.performance(
        [points("rising", start, cpu_percent=RISING, disks={"scsi0:1": disk}), points("beside", start)]
    )
    return api, project, group_of_all(api, project)


def traces(place: Place, **settings: Any) -> dict[str, Json]:
    """The traces of all machines, after their percentiles were stored where they ever are."""
    api, project, group = place
    assessment = assessed(api, project, group, **settings)
    if settings.get("sizing_criterion") != "as_on_premises":
        percentiles_there(api, project, assessment["id"])
    path = f"projects/{project}/assessments/{assessment['id']}/machines/"
    found = [api.ok(api.get(f"{path}{row['machine']}/")) for row in api.ok(api.get(path))["results"]]
    return {row["name"]: row["trace"] for row in found}


def nearest_rank(values: list[float], percentile: int) -> float:
    return sorted(values)[-(-percentile * len(values) // 100) - 1]


def test_each_series_with_points_has_its_percentiles(place: Place) -> None:
    found = traces(place, performance_window="1_day", percentile=90)
    series = {(one["part"], one.get("source_id"), one["metric"]): one for one in found["rising"]["series"]}
    expected = {
        ("machine", None, "cpu_percent"): RISING,
        ("machine", None, "memory_percent"): [40.0],
        ("disk", "scsi0:1", "read_iops"): WRITES,
        ("disk", "scsi0:1", "write_iops"): RISING,
        ("disk", "scsi0:1", "read_mbps"): RISING,
        ("nic", "4000", "received_mbps"): [1.0],
        ("nic", "4000", "transmitted_mbps"): [2.0],
    }
    assert set(series) == set(expected)
    for key, values in expected.items():
        assert series[key]["points"] == series[key]["expected_points"] == POINTS_A_DAY
        assert {name: series[key][name] for name in NAMES} == {
            name: nearest_rank(values, percentile) for name, percentile in NAMES.items()
        }
    cpu = found["rising"]["observed"][0]
    assert float(cpu["value"]) == series["machine", None, "cpu_percent"]["p90"]


def test_machines_keep_their_own(place: Place) -> None:
    found = traces(place, performance_window="1_week")
    beside = next(one for one in found["beside"]["series"] if one["metric"] == "cpu_percent")
    assert (beside["p50"], beside["maximum"]) == (20, 20)
    assert (beside["points"], beside["expected_points"]) == (POINTS_A_DAY, 7 * POINTS_A_DAY)
    assert found["silent"]["series"] == []


def test_there_are_none_in_a_window_of_ones_own_or_as_on_premises(place: Place) -> None:
    end = last_full_hour() - timedelta(hours=2)
    window = {"start": instant(end - timedelta(hours=9)), "end": instant(end)}
    for settings in ({"performance_window": window}, {"sizing_criterion": "as_on_premises"}):
        assert all("series" not in trace for trace in traces(place, **settings).values())
