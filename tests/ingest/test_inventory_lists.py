"""The list of machines: sorted by what can be sorted, filtered, added up, and given out as CSV."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.ingest import estates


@pytest.fixture(scope="module")
def site() -> estates.ApplianceApi:
    made = estates.appliance()
    made.inventory(
        estates.machine("1", name="b", cores=2, memory_mb=4096, operating_system="debian", host="H1", cluster="k"),
        estates.machine("2", name="A", cores=16, memory_mb=2048, operating_system="Windows", host="h0", cluster="k"),
        estates.machine("3", name="c", cores=None, memory_mb=None, operating_system=None, host=None, disks=[]),
        estates.machine("4", name="D", cores=2, memory_mb=8192, operating_system="AIX", disks=[disk(1), disk(2)]),
        estates.machine("5", name="=1+1", cores=1, memory_mb=1, operating_system="bsd", disks=[disk(None)]),
    )
    made.performance(estates.points("1", start_at=estates.an_hour_ago()))
    return made


def disk(size_gb: float | None) -> dict[str, Any]:
    return {"source_id": f"disk {size_gb}", "size_gb": size_gb}


def listed(site: estates.ApplianceApi, query: str) -> list[str]:
    """Source ids, page by page of two."""
    found, url = [], f"projects/{site.project}/machines/?page_size=2&{query}"
    while url:
        page = site.people.ok(site.people.get(url))
        found += [row["source_id"] for row in page["results"]]
        url = page["next"]
    return found


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", "52134"),
        ("operating_system", "34512"),
        ("cores", "35142"),
        ("memory_mb", "35214"),
        ("host", "321"),
    ],
)
def test_a_list_is_sorted_both_ways_what_is_unknown_as_least(site: estates.ApplianceApi, sort: str, order: str) -> None:
    found = [each for each in listed(site, f"sort={sort}") if each in order]
    assert found == list(order)
    assert listed(site, f"sort=-{sort}") == list(reversed(listed(site, f"sort={sort}")))


def test_the_total_of_the_disks_is_sorted_and_follows_them(site: estates.ApplianceApi) -> None:
    order = listed(site, "sort=storage_gb")
    assert (set(order[:2]), order[2]) == ({"3", "5"}, "4")
    row = {
        one["source_id"]: one
        for one in site.people.ok(site.people.get(f"projects/{site.project}/machines/"))["results"]
    }
    assert [(row[each]["disk_count"], row[each]["storage_gb"]) for each in "345"] == [(0, None), (2, 3.0), (1, None)]
    other = estates.appliance()
    other.inventory(estates.machine("1", disks=[disk(1)]))
    other.inventory(estates.machine("1", disks=[disk(1), disk(40)]))
    (grown,) = other.people.ok(other.people.get(f"projects/{other.project}/machines/"))["results"]
    assert (grown["disk_count"], grown["storage_gb"]) == (2, 41.0)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cluster=k", "12"),
        ("host=h0", "2"),
        ("host=H0", ""),
        ("history=some", "1"),
        ("history=none", "2345"),
        ("discovered_by=appliance", "12345"),
        ("discovered_by=import", ""),
        ("appliance=01a20629-7fb4-7773-aba6-e7fbf8e0236d", ""),
    ],
)
def test_filters_leave_what_fits(site: estates.ApplianceApi, query: str, found: str) -> None:
    assert sorted(listed(site, query)) == list(found)


def test_the_machines_of_an_appliance_are_listed(site: estates.ApplianceApi) -> None:
    assert sorted(listed(site, f"appliance={site.id}")) == list("12345")


@pytest.mark.parametrize("query", ["sort=color", "sort=--name", "appliance=x", "history=old", "discovered_by=me"])
def test_what_cannot_be_asked_is_told_so(site: estates.ApplianceApi, query: str) -> None:
    for where in ("", "summary/", "export.csv"):
        if where != "summary/" or not query.startswith("sort"):
            assert site.people.get(f"projects/{site.project}/machines/{where}?{query}").status_code == 400


def test_a_summary_adds_up_what_is_known(site: estates.ApplianceApi) -> None:
    whole = site.people.ok(site.people.get(f"projects/{site.project}/machines/summary/?search=d"))
    assert whole == {"machine_count": 1, "cores": 2, "memory_mb": 8192, "disk_count": 2, "storage_gb": 3.0}
    nothing = site.people.ok(site.people.get(f"projects/{site.project}/machines/summary/?search=zzz"))
    assert set(nothing.values()) == {0}


def rows_of(response: Any) -> list[list[str]]:
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def test_the_export_holds_the_filtered_rows_with_the_chosen_columns_in_their_order(site: estates.ApplianceApi) -> None:
    path = f"projects/{site.project}/machines/export.csv?sort=-cores&columns=cores,name,appliance&cluster=k"
    answer = site.people.get(path)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    rows = rows_of(answer)
    assert [row[:2] for row in rows] == [["cores", "name"], ["16", "A"], ["2", "b"]]
    assert site.people.get(f"projects/{site.project}/machines/export.csv?columns=secret").status_code == 400


def test_no_cell_of_the_export_is_a_formula_and_nothing_unknown_is_a_zero(site: estates.ApplianceApi) -> None:
    rows = rows_of(
        site.people.get(f"projects/{site.project}/machines/export.csv?sort=name&columns=name,cores,last_seen_at")
    )
    assert rows[1][:2] == ["'=1+1", "1"]
    assert rows[4][:2] == ["c", ""]
    assert rows[1][2].endswith("+00:00")


def test_charlie_exports_and_adds_up_nothing_of_others(site: estates.ApplianceApi) -> None:
    charlie = make.stranger()
    for where in ("summary/", "export.csv"):
        assert charlie.get(f"projects/{site.project}/machines/{where}").status_code == 404


def test_a_chart_tells_the_percentile_of_its_window() -> None:
    site = estates.appliance()
    site.inventory(estates.machine("1"))
    start = estates.an_hour_ago(2)
    site.performance(estates.points("1", start_at=start, cpu_percent=[10.0, 20.0, 30.0, 40.0, 50.0, 60.0]))
    machine = site.machine_id("1")

    def cpu(percentile: str, beyond: int = 6) -> Any:
        end = (start + timedelta(minutes=10 * beyond)).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = f"start={start.strftime('%Y-%m-%dT%H:%M:%SZ')}&end={end}&points=1&percentile={percentile}"
        path = f"projects/{site.project}/machines/{machine}/performance/?{query}"
        return site.people.ok(site.people.get(path))["cpu_percent"]["percentile"]

    assert [cpu("50"), cpu("95"), cpu("100"), cpu("50", beyond=2)] == [30.0, 60.0, 60.0, 10.0]
    path = f"projects/{site.project}/machines/{machine}/performance/?percentile="
    for wrong in ("0", "101", "-1", "nan", "1e1", "9" * 30):
        assert site.people.get(path + wrong).status_code == 400
