"""Machines as people list and read them."""

from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.ingest import estates


@pytest.fixture(scope="module")
def site() -> estates.ApplianceApi:
    made = estates.appliance()
    made.inventory(
        estates.machine("1", name="SQL-01"),
        estates.machine("2", name="sql-02", power_state="off"),
        estates.machine("3", name="Äpfel", operating_system="Debian GNU/Linux 12"),
        estates.machine("4", name="web_1"),
        estates.machine("5", name="gone"),
    )
    made.inventory(removed=["5"])
    return made


def _get(site: estates.ApplianceApi, query: str) -> Any:
    return site.people.get(f"projects/{site.project}/machines/?{query}")


def _found(site: estates.ApplianceApi, query: str) -> list[str]:
    return sorted(row["source_id"] for row in site.people.ok(_get(site, query))["results"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["1", "2", "3", "4"]),
        ("search=sql", ["1", "2"]),
        ("search=SQL-01", ["1"]),
        ("search=%C3%A4P", ["3"]),
        ("search=web%25", []),
        ("search=w_b", []),
        ("search=ql", []),
        ("os=debian", ["3"]),
        ("os=%25", []),
        ("power_state=off", ["2"]),
        ("search=sql&power_state=on", ["1"]),
        ("removed=true", ["5"]),
        ("removed=all", ["1", "2", "3", "4", "5"]),
    ],
)
def test_machines_are_found(site: estates.ApplianceApi, query: str, found: list[str]) -> None:
    assert _found(site, query) == found


@pytest.mark.parametrize("query", ["power_state=maybe", "removed=perhaps", "search=%00", "page_size=0", "cursor=x"])
def test_a_senseless_query_is_refused(site: estates.ApplianceApi, query: str) -> None:
    assert _get(site, query).status_code in (400, 404)


def test_pages_hold_every_machine_once(site: estates.ApplianceApi) -> None:
    found, url = [], f"projects/{site.project}/machines/?page_size=3"
    while url:
        page = site.people.ok(site.people.get(url))
        found += [row["source_id"] for row in page["results"]]
        url = page["next"]
    assert sorted(found) == ["1", "2", "3", "4"]


def test_a_machine_has_what_was_sent(site: estates.ApplianceApi) -> None:
    shown = site.detail("1")
    assert (shown["name"], shown["cores"], shown["memory_mb"], shown["boot_type"]) == ("SQL-01", 4, 16384, "bios")
    assert (shown["discovered_by"], shown["appliance"], shown["removed_at"]) == ("appliance", site.id, None)
    assert shown["changes"] == []


def test_charlie_finds_no_machine_of_another_tenant(site: estates.ApplianceApi) -> None:
    charlie = make.stranger()
    own = make.project(charlie)
    machine = site.machine_id("1")
    assert charlie.get(f"projects/{site.project}/machines/").status_code == 404
    for path in (f"projects/{own}/machines/{machine}/", f"projects/{own}/machines/{machine}/performance/"):
        assert charlie.get(path).status_code == 404


def test_a_machine_of_another_project_is_not_there(site: estates.ApplianceApi) -> None:
    other = make.project(site.people)
    assert site.people.get(f"projects/{other}/machines/{site.machine_id('1')}/").status_code == 404


def test_a_long_chart_keeps_the_extremes(site: estates.ApplianceApi) -> None:
    start = estates.an_hour_ago(10 * 24)
    for day in range(8):
        values = [50.0] * 144
        values[70], values[100] = 99.0, 1.0
        site.performance(estates.points("1", start_at=start + timedelta(days=day), cpu_percent=values))
    chart = site.chart("1", start, start + timedelta(days=8))
    cpu = chart["cpu_percent"]
    assert chart["bucket_seconds"] == 1200
    assert len(cpu["maximum"]) == 576
    assert cpu["maximum"].count(99.0) == cpu["minimum"].count(1.0) == 8
    assert cpu["average"].count(50.0) == 576 - 16


def test_a_machine_without_points_has_an_empty_chart(site: estates.ApplianceApi) -> None:
    path = f"projects/{site.project}/machines/{site.machine_id('2')}/performance/"
    chart = site.people.ok(site.people.get(path))
    assert (chart["disks"], chart["nics"], chart["bucket_seconds"]) == ({}, {}, 600)
    assert "cpu_percent" not in chart


@pytest.mark.parametrize(
    "query",
    [
        "start=2026-01-01T00:00:00Z&end=2025-01-01T00:00:00Z",
        "start=2024-01-01T00:00:00Z&end=2026-01-01T00:00:00Z",
        "start=2026-01-01T00:00:00",
        "start=yesterday",
        "end=2026-13-01T00:00:00Z",
        "end=0001-01-01T00:00:00Z",
        "start=9999-12-31T23:59:59Z",
    ],
)
def test_a_senseless_window_is_refused(site: estates.ApplianceApi, query: str) -> None:
    path = f"projects/{site.project}/machines/{site.machine_id('1')}/performance/?{query}"
    assert site.people.get(path).status_code == 400
