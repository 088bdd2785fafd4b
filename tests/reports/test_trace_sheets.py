"""The sheets Decision_Trace, Price_Lines and Savings of a report say what the API says of the same machines."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests import make
from tests.assessments.test_imported_utilization import HEADINGS, SERVERS
from tests.assessments.varied import percentiles_there
from tests.estate import assessed, enrolled, group_of_all, last_full_hour, machine, points, reported
from tests.ingest.imports.files import imported
from tests.reports.test_workbook_office import recalculated
from tests.reports.workbooks import pairs, records

pytestmark = pytest.mark.usefixtures("catalog", "background")
CENT = Decimal("0.005")
DISKS = [
    {"source_id": "scsi0:0", "name": "scsi0:0", "size_gb": 80.0},
    {"source_id": "scsi0:1", "name": "scsi0:1", "size_gb": 900.0},
]
MACHINES = [
    machine("large", cores=16, memory_mb=65536, disks=DISKS),
    machine("small", cores=2, memory_mb=4096),
    machine("linux", operating_system="Ubuntu Linux 22.04 (64-bit)"),
    machine("old", operating_system="Windows Server 2003 (32-bit)", boot_type="bios"),
    machine("other", operating_system="Other (32-bit)", disks=DISKS),
]
SETTINGS: dict[str, dict[str, Any]] = {
    "pay as you go": {"hybrid_benefit": "none"},
    "with a discount": {"discount_percent": 12.5, "uptime": {"days_per_month": 20, "hours_per_day": 10}},
    "reserved": {"commitment": "reservation_3y", "target_region": "westeurope"},
    "combined": {
        "commitment": "savings_plan_1y",
        "commitment_rule": "combine",
        "discount_percent": 10,
        "hybrid_benefit": "none",
    },
    "freely sized disks": {"disk_types": ["premium_ssd_v2", "ultra"]},
    "rules of 2019": {"rule_set": "am-2019-07"},
}
Made = tuple[Any, list[dict[str, Any]], dict[str, list[dict[str, Any]]], io.BytesIO]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> tuple[make.Cast, str, str]:
    """A cast, a project and a group of machines with a day of performance."""
    cast = make.cast()
    project, appliance = enrolled(cast.bob, MACHINES)
    start = last_full_hour() - timedelta(days=1)
    appliance.performance([points(name, start) for name in ("large", "small", "linux")])
    stated = "\n".join((HEADINGS, next(line for line in SERVERS if line.startswith("totals")), ""))
    assert imported(cast.bob, project, stated.encode(), "azure_migrate_csv")["status"] == "completed"
    return cast, project, group_of_all(cast.bob, project)


@pytest.fixture(scope="module", params=list(SETTINGS))
def made(place: tuple[make.Cast, str, str], request: pytest.FixtureRequest) -> Made:
    """An assessment, its machines with their traces over the API, and the sheets of its report."""
    cast, project, group = place
    assessment = assessed(cast.bob, project, group, **SETTINGS[request.param])
    assert assessment["status"] == "completed", assessment
    percentiles_there(cast.bob, project, assessment["id"])
    path = f"projects/{project}/assessments/{assessment['id']}/machines/"
    listed = cast.bob.ok(cast.bob.get(path))["results"]
    machines = [cast.bob.ok(cast.bob.get(f"{path}{row['machine']}/")) for row in listed]
    link = reported(cast.bob, project, assessment["id"])["download_url"].replace("http://testserver", "")
    data = io.BytesIO(b"".join(make.Api(None).get(link).streaming_content))
    book = openpyxl.load_workbook(data, data_only=True)
    sheets = {sheet.title: records(sheet) for sheet in book if sheet.title != "Assessment_Summary"}
    return assessment, machines, sheets, data


def number(text: str | None) -> Any:
    return None if text is None else pytest.approx(float(text), abs=1e-9)


def test_every_refused_size_and_runner_up_is_that_of_the_api(made: Made) -> None:
    _, machines, sheets, _ = made
    assert len(machines) == len(MACHINES) + 1
    for one in machines:
        trace = one["trace"]
        headline = next(scenario for scenario in trace["scenarios"] if scenario["name"] == trace["headline"])
        rows = [row for row in sheets["Decision_Trace"] if row["Machine"] == one["name"] and not row["Disk"]]
        _check_rows(rows, trace["refused"], headline["runner_up"])
        assert rows[0]["CPU usage(%)"] == number(trace["observed"][0]["value"])
        assert rows[0]["CPU points"] == trace["observed"][0]["points"]
        how = {line["dimension"]: line["arithmetic"] for line in trace["required"]}
        assert (rows[0]["Cores, how"], rows[0]["Memory, how"]) == (how["cores"], how["memory_mb"])


OBSERVED = {
    "CPU usage(%)": "cpu_percent",
    "Memory usage(%)": "memory_percent",
    "Disk read(ops/sec)": "disk_read_iops",
    "Disk write(ops/sec)": "disk_write_iops",
    "Disk read(MBPS)": "disk_read_mbps",
    "Disk write(MBPS)": "disk_write_mbps",
    "Network out(MBPS)": "network_transmitted_mbps",
}


def test_what_was_observed_or_stated_is_that_of_the_api(made: Made) -> None:
    _, machines, sheets, _ = made
    stated = next(one for one in machines if one["name"] == "totals")
    assert stated["observed"]["disk_read_iops"] == 300
    for one in machines:
        row = next(row for row in sheets["Decision_Trace"] if row["Machine"] == one["name"])
        assert {name: row[name] for name in OBSERVED} == {
            name: number(one["observed"].get(key)) for name, key in OBSERVED.items()
        }


STATISTICS = {
    "p50": "50th percentile",
    "p90": "90th percentile",
    "p95": "95th percentile",
    "p99": "99th percentile",
    "maximum": "maximum",
}


def test_the_percentiles_of_cpu_and_memory_are_those_of_the_api(made: Made) -> None:
    _, machines, sheets, _ = made
    large = next(one for one in machines if one["name"] == "large")["trace"]["series"]
    assert [(one["metric"], one["maximum"]) for one in large[:2]] == [("cpu_percent", 20), ("memory_percent", 40)]
    for one in machines:
        series = {each["metric"]: each for each in one["trace"]["series"] if each["part"] == "machine"}
        row = next(row for row in sheets["Decision_Trace"] if row["Machine"] == one["name"])
        for heading, metric in (("CPU", "cpu_percent"), ("Memory", "memory_percent")):
            told = {name: row[f"{heading} usage(%), {words}"] for name, words in STATISTICS.items()}
            assert told == {name: series.get(metric, {}).get(name) for name in STATISTICS}


def test_every_refused_disk_is_that_of_the_api(made: Made) -> None:
    _, machines, sheets, _ = made
    for one in machines:
        for disk, told in zip(one["disks"], one["trace"]["disks"], strict=True):
            mine = one["name"], disk["name"]
            rows = [row for row in sheets["Decision_Trace"] if (row["Machine"], row["Disk"]) == mine]
            _check_rows(rows, told["refused"], told["runner_up"])


def _check_rows(rows: list[dict[str, Any]], refused: list[dict[str, Any]], runner_up: dict[str, Any] | None) -> None:
    assert len(rows) == max(1, min(3, len(refused)))
    for row, offer in zip(rows, refused[-3:], strict=False):
        assert row["Refused"] == offer["name"]
        assert row["Its monthly cost USD"] == number(offer["monthly_cost"])
        first = offer["refusals"][0]
        assert row["First constraint"] == first["constraint"]
        assert row["Short by"] == number(first["short_by"])
        for refusal in offer["refusals"]:
            assert refusal["constraint"] in row["All constraints"]
            assert (refusal["detail"] or "") in row["All constraints"]
    for row in rows:
        assert row["Cheaper ones refused, in all"] == len(refused)
        assert row["Runner-up"] == (runner_up or {}).get("name")
        assert row["Runner-up costs more by USD"] == number((runner_up or {}).get("price_gap"))


def test_more_refused_sizes_are_shown_when_asked_for(place: tuple[make.Cast, str, str]) -> None:
    cast, project, group = place
    assessment = assessed(cast.bob, project, group)["id"]
    path = f"projects/{project}/assessments/{assessment}/"
    report = reported(cast.bob, project, assessment, format="jsonl", refused_shown=7)
    assert report["refused_shown"] == 7
    sent = make.Api(None).get(report["download_url"].replace("http://testserver", "")).streaming_content
    rows = [json.loads(line) for line in b"".join(sent).splitlines()]
    for listed in cast.bob.ok(cast.bob.get(f"{path}machines/"))["results"]:
        trace = cast.bob.ok(cast.bob.get(f"{path}machines/{listed['machine']}/"))["trace"]
        told = [row for row in rows if row.get("machine_name") == listed["name"] and row["table"] == "Decision_Trace"]
        shown = [row["refused"] for row in told if "refused" in row and "disk_name" not in row]
        assert shown == [offer["name"] for offer in trace["refused"][-7:]]
    for wrong in (0, 21, "many"):
        assert cast.bob.post(f"{path}reports/", {"refused_shown": wrong}).status_code == 400


def test_price_lines_add_up_to_the_cost_of_each_machine(made: Made) -> None:
    _, machines, sheets, _ = made
    for one in machines:
        lines = [row for row in sheets["Price_Lines"] if row["Machine"] == one["name"]]
        for part in ("compute", "storage"):
            amounts = [Decimal(str(row["Monthly amount USD"])) for row in lines if row["Part"] == part.capitalize()]
            assert abs(sum(amounts, Decimal(0)) - Decimal(one.get(f"monthly_{part}_cost", 0))) < CENT


def test_disk_costs_add_up_to_the_storage_cost_of_each_machine_and_of_all(made: Made) -> None:
    assessment, machines, sheets, _ = made
    costs: dict[str, Decimal] = dict.fromkeys((one["name"] for one in machines), Decimal(0))
    for row in sheets["All_Assessed_Disks"]:
        costs[row["Machine"]] += Decimal(str(row["Monthly cost estimate"] or 0))
    for one in machines:
        assert abs(costs[one["name"]] - Decimal(one.get("monthly_storage_cost", 0))) < CENT, one["name"]
    assert abs(sum(costs.values()) - Decimal(assessment["summary"]["monthly_cost"]["storage"])) < CENT


def test_price_lines_name_catalog_source_and_arithmetic(made: Made) -> None:
    _, _, sheets, _ = made
    for row in sheets["Price_Lines"]:
        assert row["Catalog"]
        assert row["Arithmetic"]
        assert row["Source of the price"] or row["Price"] == "discount"


def test_savings_are_differences_of_what_the_api_tells(made: Made) -> None:
    _, machines, sheets, _ = made
    by_name = {row["Machine"]: row for row in sheets["Savings"]}
    for one in machines:
        row = by_name[one["name"]]
        costs = {name: found.get("monthly_compute_cost") for name, found in one["scenarios"].items()}
        chosen, plain, best = costs[row["Chosen scenario"]], costs["pay_as_you_go"], costs.get(row["Cheapest scenario"])
        assert row["Pay-as-you-go monthly cost USD"] == number(plain)
        if chosen and plain and best:
            assert row["All possible savings USD"] == number(str(Decimal(plain) - Decimal(best)))
            assert Decimal(best) <= Decimal(chosen)
        else:
            assert row["All possible savings USD"] is None


@pytest.mark.e2e
def test_libreoffice_comes_to_the_totals_of_the_api(made: Made, tmp_path: Path) -> None:
    assessment, _, _, data = made
    book = recalculated(openpyxl.load_workbook(data), tmp_path)
    lines, cost = pairs(book["Assessment_Summary"]), assessment["summary"]["monthly_cost"]
    for label, amount in (
        ("Compute monthly cost USD", cost["compute"]),
        ("Storage monthly cost USD", cost["storage"]),
        ("Total monthly cost estimate USD", cost["total"]),
        ("Total machines assessed", assessment["summary"]["machines"]),
    ):
        assert abs(Decimal(str(lines[label])) - Decimal(amount)) < CENT
    values = [value for sheet in book for row in sheet.iter_rows(values_only=True) for value in row]
    assert not [value for value in values if isinstance(value, str) and value.startswith(("#", "Err:"))]
