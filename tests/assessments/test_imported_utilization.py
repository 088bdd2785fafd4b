"""What a file stated of a machine's load is assessed as it is; a history that comes later takes its place."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests import make
from tests.assessments.varied import percentiles_there
from tests.estate import assessed, group_of_all, instant, last_full_hour
from tests.ingest.imports.files import imported

pytestmark = pytest.mark.usefixtures("catalog", "background")

Json = dict[str, Any]
HEADINGS = (
    "*Server name,*Cores,*Memory (In MB),*OS name,Boot type,CPU utilization percentage,Memory utilization percentage,"
    "Network adapters,Network In throughput,Network Out throughput,Number of disks,Disk 1 size (In GB),"
    "Disk 1 read throughput (MB per second),Disk 1 write throughput (MB per second),"
    "Disk 1 read ops (operations per second),Disk 1 write ops (operations per second),"
    "Total disks read throughput,Total disks write throughput,Total disks read ops,Total disks write ops"
)
SYSTEM = "Windows Server 2019"
SERVERS = (
    f"each-disk,8,16384,{SYSTEM},UEFI,50,25,1,3,4,1,100,10,20,300,900,,,,",
    f"totals,8,16384,{SYSTEM},UEFI,50,25,1,3,4,1,100,,,,,10,20,300,900",
    f"nothing,8,16384,{SYSTEM},UEFI,,,1,,,1,100,,,,,,,,",
)


@dataclass
class Scene:
    api: make.Api
    project: str
    group: str

    def brought(self, content: str, file_format: str) -> None:
        done = imported(self.api, self.project, content.encode(), file_format, file_name="servers.csv")
        assert done["status"] == "completed", done["failure"]

    def assessed(self, **settings: Any) -> Json:
        return assessed(self.api, self.project, self.group, **settings)

    def path(self, assessment: Json) -> str:
        return f"projects/{self.project}/assessments/{assessment['id']}/"

    def rows(self, assessment: Json) -> dict[str, Json]:
        found = self.api.ok(self.api.get(f"{self.path(assessment)}machines/"))["results"]
        return {
            row["name"]: self.api.ok(self.api.get(f"{self.path(assessment)}machines/{row['machine']}/"))
            for row in found
        }


def scene_of_servers() -> Scene:
    api = make.cast().alice
    scene = Scene(api, make.project(api), "")
    scene.brought("\n".join([HEADINGS, *SERVERS, ""]), "azure_migrate_csv")
    scene.group = group_of_all(api, scene.project)
    return scene


@pytest.fixture(scope="module")
def scene(catalog: None, background: None) -> Scene:
    return scene_of_servers()


@pytest.fixture(scope="module")
def assessment(scene: Scene) -> Json:
    made = scene.assessed(comfort_factor=1.3, percentile=99, performance_window="1_month")
    percentiles_there(scene.api, scene.project, made["id"])
    return made


def test_single_values_make_the_requirement_and_have_no_confidence(scene: Scene, assessment: Json) -> None:
    row = scene.rows(assessment)["each-disk"]
    assert row["observed"] == {
        "cpu_percent": 50,
        "memory_percent": 25,
        "disk_read_iops": 300,
        "disk_write_iops": 900,
        "disk_read_mbps": 10,
        "disk_write_mbps": 20,
        "network_received_mbps": 3,
        "network_transmitted_mbps": 4,
    }
    assert (row["required"]["cores"], row["required"]["memory_mb"]) == (5.2, 5324.8)
    assert (row["required"]["disk_iops"], row["required"]["disk_mbps"]) == (1560, 39)
    assert row["required"]["network_mbps"] == 41.6
    assert row["confidence"] == {"applicable": False, "reason": "imported"}
    assert row["disks"][0]["observed"]["write_iops"] == 900
    assert row["disks"][0]["recommended_type"] == "premium_ssd"  # 1,560 IOPS are more than the standard disks have


def test_totals_drive_the_size_and_disks_go_by_their_size(scene: Scene, assessment: Json) -> None:
    rows = scene.rows(assessment)
    totals, each = rows["totals"], rows["each-disk"]
    for name in ("cores", "memory_mb", "disk_iops", "disk_mbps", "network_mbps"):
        assert totals["required"][name] == each["required"][name]
    assert totals["observed"] == each["observed"]
    assert totals["disks"][0]["observed"] == {}
    assert totals["disks"][0]["recommended_type"] == "standard_hdd"


def test_nothing_stated_falls_back_to_what_is_allocated_and_says_so(scene: Scene, assessment: Json) -> None:
    row = scene.rows(assessment)["nothing"]
    assert (row["observed"], row["required"]["cores"]) == ({}, 10.4)
    codes = {issue["code"] for issue in row["data_issues"]}
    assert {"percentage_of_cores_utilized_missing", "percentage_of_memory_utilized_missing"} <= codes


def test_the_trace_agrees_and_tells_values_without_points(scene: Scene, assessment: Json) -> None:
    for row in scene.rows(assessment).values():
        headline = next(one for one in row["trace"]["scenarios"] if one["name"] == row["trace"]["headline"])
        assert headline["size"] == row["recommended_sku"]
    observed = {one["metric"]: one for one in scene.rows(assessment)["totals"]["trace"]["observed"]}
    assert (observed["cpu_percent"]["value"], observed["cpu_percent"]["points"]) == ("50", 0)
    assert observed["disk_write_iops"]["value"] == "900"
    assert observed["network_transmitted_mbps"]["value"] == "4"


@pytest.mark.parametrize("query", ["percentile=50&window=1_day", "percentile=maximum&window=1_month"])
def test_no_percentile_and_no_window_moves_what_a_file_stated(scene: Scene, assessment: Json, query: str) -> None:
    position = scene.api.ok(scene.api.get(f"{scene.path(assessment)}sensitivity/?{query}&comfort_factor=1.3"))
    assert Decimal(position["difference"]) == 0
    assert position["changed_sizes"] == 0


def test_headroom_does_move_it_as_a_new_assessment(scene: Scene, assessment: Json) -> None:
    position = scene.api.ok(scene.api.get(f"{scene.path(assessment)}sensitivity/?comfort_factor=1"))
    anew = scene.assessed(comfort_factor=1, percentile=99, performance_window="1_month")
    summary = scene.api.ok(scene.api.get(scene.path(anew)))["summary"]
    assert position["monthly_cost"]["total"] == summary["monthly_cost"]["total"]
    assert position["changed_sizes"] > 0


def test_a_history_wins_over_what_was_stated_and_the_difference_is_performance() -> None:
    scene = scene_of_servers()
    before = scene.assessed(performance_window="1_day")
    start = last_full_hour() - timedelta(hours=3)
    points = [f"totals,{instant(start + timedelta(minutes=5 * step))},cpu_percent,,95" for step in range(12)]
    scene.brought("\n".join(["machine,timestamp,metric,device,value", *points, ""]), "performance_csv")
    after = scene.assessed(performance_window="1_day")
    rows, rows_after = scene.rows(before), scene.rows(after)
    assert rows_after["totals"]["observed"] == rows["totals"]["observed"] | {"cpu_percent": 95}
    assert rows_after["totals"]["confidence"] == {"applicable": False, "reason": "imported"}
    assert rows_after["each-disk"]["required"] == rows["each-disk"]["required"]
    found = scene.api.ok(scene.api.get(f"{scene.path(before)}compare/?with={after['id']}"))
    assert found["causes"]["performance"] == found["difference"]
    assert Decimal(found["difference"]) > 0
