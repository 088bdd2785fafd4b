"""An appliance uploads and people see it."""

from datetime import timedelta

from tests.ingest import estates


def test_what_an_appliance_uploads_people_see() -> None:
    site = estates.appliance()
    assert site.inventory(estates.machine("vm-1"), estates.machine("vm-2")) == {"accepted": 2, "rejected": []}
    start = estates.an_hour_ago()
    assert site.performance(estates.points("vm-1", start_at=start)) == {"accepted": 1, "rejected": []}
    shown = site.detail("vm-1")
    assert shown["disks"] == [{"source_id": "scsi0:0", "name": "Hard disk 1", "size_gb": 80.0, "position": 0}]
    chart = site.chart("vm-1", start, start + timedelta(minutes=30))
    assert chart["cpu_percent"]["maximum"] == [10.0, 20.0, 30.0]
    assert chart["memory_percent"]["average"] == [40.0, None, 50.0]
