"""File imports through the front door: sent, done in the background, told, done again, undone."""

import itertools
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from ingest.imports import undoing
from ingest.imports.forgetting import GRACE, forget_old_imports
from ingest.models import FileImport, ImportedMachine, ImportedUtilization, ImportProblem
from ingest.retention import RETENTION
from migrate_hub.files.models import StoredFile
from migrate_hub.jobs.models import Job
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest import estates
from tests.ingest.imports.files import (
    azure,
    detail,
    disk,
    ended,
    imported,
    info,
    machines,
    rvtools,
    send,
    server,
    undone,
    uuid,
    workbook,
)

pytestmark = pytest.mark.usefixtures("background")
AZURE = "azure_migrate_csv"
LOCK_TIMEOUT_SECONDS = 5


@pytest.fixture
def api() -> make.Api:
    return estates.shared().bob


@pytest.fixture
def project(api: make.Api) -> str:
    return make.project(api)


def test_a_workbook_becomes_machines_with_their_parts(api: make.Api, project: str) -> None:
    done = imported(api, project, rvtools(2))
    assert (done["status"], done["failure"], done["problems"]) == ("completed", None, [])
    assert {name: done["counts"][name] for name in ("created", "updated", "unchanged")} == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
    }
    one = detail(api, project, "vm-1")
    assert (one["source_id"], one["discovered_by"], one["appliance"]) == (uuid(1), "import", None)
    assert (one["cores"], one["memory_mb"], one["boot_type"], one["power_state"]) == (4, 8192, "uefi", "on")
    assert one["cpu_model"] == "Intel(R) Xeon(R) Gold 5218"
    assert [(part["source_id"], part["size_gb"]) for part in one["disks"]] == [("scsi0:0", 100.0), ("scsi0:1", 200.0)]
    assert one["nics"][0]["mac_address"] == "00:50:56:82:00:01"
    assert one["nics"][0]["ip_addresses"] == ["10.0.0.2"]


def test_the_same_file_again_changes_nothing(api: make.Api, project: str) -> None:
    imported(api, project, rvtools(3))
    before = machines(api, project)
    again = imported(api, project, rvtools(3))["counts"]
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)
    assert machines(api, project) == before | {
        name: row | {"last_seen_at": machines(api, project)[name]["last_seen_at"]} for name, row in before.items()
    }


def test_a_later_file_updates_and_its_changes_name_it(api: make.Api, project: str) -> None:
    imported(api, project, rvtools(3))
    later = imported(
        api, project, rvtools(vInfo=[info(1, CPUs=8), info(2)], vDisk=[disk(1, 0), disk(2, 0), disk(2, 1)])
    )
    assert later["counts"]["updated"] == 1
    assert later["counts"]["unchanged"] == 1
    assert later["counts"]["not_in_file"] == 1
    changed = detail(api, project, "vm-1")
    assert changed["cores"] == 8
    assert {change["property"] for change in changed["changes"]} == {"cores", "disks"}
    assert {change["file_import"] for change in changed["changes"]} == {later["id"]}
    assert changed["configuration_version"] == 2
    assert set(machines(api, project)) == {"vm-1", "vm-2", "vm-3"}


def test_a_dry_run_tells_the_same_and_changes_nothing(api: make.Api, project: str) -> None:
    imported(api, project, rvtools(2))
    file = rvtools(vInfo=[info(1, Memory=16384), info(2), info(3)])
    tried = imported(api, project, file, dry_run="true")
    assert (tried["status"], tried["dry_run"]) == ("completed", True)
    assert machines(api, project)["vm-1"]["memory_mb"] == 8192
    assert "vm-3" not in machines(api, project)
    path = f"projects/{project}/imports/{tried['id']}/confirm/"
    done = ended(api, project, api.ok(api.post(path), 202)["id"])
    assert done["counts"] == tried["counts"]
    assert machines(api, project)["vm-1"]["memory_mb"] == 16384
    assert api.post(path).json()["code"] == "file_gone"


def test_undoing_removes_what_was_made_and_brings_back_what_was_changed(api: make.Api, project: str) -> None:
    imported(api, project, rvtools(1))
    before = detail(api, project, "vm-1")
    later = imported(api, project, rvtools(vInfo=[info(1, CPUs=16), info(2)], vDisk=[disk(1, 0, Disk="Hard disk 9")]))
    back = undone(api, project, later["id"])
    assert back["counts"]["undo"] == {"removed": 1, "restored": 1, "kept": 0}
    after = detail(api, project, "vm-1")
    same = ("cores", "memory_mb", "operating_system", "disks", "nics", "boot_type", "source_id", "id")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["configuration_version"] > before["configuration_version"]
    assert set(machines(api, project)) == {"vm-1"}
    assert machines(api, project, removed="true")["vm-2"]["removed_at"]
    assert undone(api, project, later["id"]) == back


def test_imports_are_undone_one_after_the_other_back_to_nothing(api: make.Api, project: str) -> None:
    first = imported(api, project, rvtools(2))
    second = imported(api, project, rvtools(2))
    undone(api, project, second["id"])
    assert undone(api, project, first["id"])["counts"]["undo"] == {"removed": 2, "restored": 0, "kept": 0}
    assert machines(api, project) == {}
    again = imported(api, project, rvtools(2))
    assert again["counts"]["created"] == 2
    assert set(machines(api, project)) == {"vm-1", "vm-2"}


def test_a_machine_that_a_later_import_spoke_of_is_kept(api: make.Api, project: str) -> None:
    first = imported(api, project, rvtools(2))
    imported(api, project, rvtools(vInfo=[info(1, CPUs=8)]))
    assert undone(api, project, first["id"])["counts"]["undo"] == {"removed": 1, "restored": 0, "kept": 1}
    assert set(machines(api, project)) == {"vm-1"}
    assert machines(api, project)["vm-1"]["cores"] == 8


# Three files of the same servers: name, cores, stated CPU. Each says something anew, some of it again.
FILES = (
    {"fs-01": (2, 50), "fs-02": (2, 50), "fs-03": (2, 50)},
    {"fs-01": (2, 50), "fs-02": (8, 50), "fs-03": (2, 70)},
    {"fs-01": (16, 80), "fs-02": (8, 50), "fs-04": (4, 40)},
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(FILES)))))
def test_imports_undone_in_any_order_leave_what_the_others_say(
    order: tuple[int, ...], api: make.Api, project: str
) -> None:
    done = [
        imported(api, project, azure(*(server(name, cores=c, cpu=p) for name, (c, p) in file.items())), AZURE)["id"]
        for file in FILES
    ]
    standing = list(FILES)
    for number in order:
        undone(api, project, done[number])
        standing.remove(FILES[number])
        expected = {name: says for file in standing for name, says in file.items()}
        assert {name: row["cores"] for name, row in machines(api, project).items()} == {
            name: cores for name, (cores, _) in expected.items()
        }
        assert stated_cpu(api, project) == {name: float(cpu) for name, (_, cpu) in expected.items()}


def test_what_an_appliance_lists_is_the_appliances(api: make.Api, project: str) -> None:
    appliance = estates.appliance(api, project)
    appliance.inventory(estates.machine(uuid(1), name="from appliance", cores=2))
    done = imported(api, project, rvtools(2))
    assert done["counts"]["skipped"] == {"known_from_appliance": 1}
    assert done["counts"]["created"] == 1
    assert {name: row["cores"] for name, row in machines(api, project).items()} == {"from appliance": 2, "vm-2": 4}


def test_an_appliance_takes_an_imported_machine_over_and_undoing_leaves_it(api: make.Api, project: str) -> None:
    done = imported(api, project, rvtools(1))
    appliance = estates.appliance(api, project)
    appliance.inventory(estates.machine(uuid(1), name="vm-1", cores=2))
    taken = machines(api, project)["vm-1"]
    assert (taken["discovered_by"], taken["appliance"], taken["cores"]) == ("appliance", appliance.id, 2)
    assert undone(api, project, done["id"])["counts"]["undo"] == {"removed": 0, "restored": 0, "kept": 1}
    assert machines(api, project)["vm-1"] == taken


def test_a_file_that_is_none_fails_with_what_to_do(api: make.Api, project: str) -> None:
    for content, code in (
        (b"no workbook at all", "other_kind"),
        (workbook(Sheet1=[{"a": 1}]), "wrong_sheets"),
        (workbook(vInfo=[{"Name": "x"}]), "missing_column"),
    ):
        failed = imported(api, project, content)
        assert (failed["status"], failed["failure"]["code"]) == ("failed", code), failed
        assert failed["failure"]["detail"]
    assert machines(api, project) == {}


def test_every_problem_is_in_the_csv_and_no_cell_is_a_formula(api: make.Api, project: str) -> None:
    rows = [info(1), info(2, VM="@SUM(1)", **{"CPUs": None, "Memory": None}), info(3, CPUs="many")]
    done = imported(api, project, rvtools(vInfo=rows))
    assert (done["counts"]["errors"], done["counts"]["created"]) == (1, 2)
    answer = api.get(f"projects/{project}/imports/{done['id']}/errors.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    lines = answer.content.decode().split("\r\n")
    assert lines[0] == "severity,code,sheet,row,column,message"
    assert len(lines) - 2 == done["counts"]["errors"] + done["counts"]["warnings"]
    assert any(line.startswith("error,incomplete_row,vInfo,3,") for line in lines)
    assert any(line.startswith("warning,unreadable_cell,vInfo,4,") for line in lines)
    assert [problem["row"] for problem in done["problems"]] == [
        int(line.split(",")[3] or 0) or None for line in lines[1:-1]
    ]


def test_the_same_key_imports_once(api: make.Api, project: str) -> None:
    key, file = str(uuid4()), rvtools(1)
    first = api.ok(send(api, project, file, **{"Idempotency-Key": key}), 202)
    again = api.ok(send(api, project, file, **{"Idempotency-Key": key}), 202)
    assert first["id"] == again["id"]
    other = send(api, project, rvtools(2), **{"Idempotency-Key": key})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    ended(api, project, first["id"])
    listed = api.ok(api.get(f"projects/{project}/imports/"))["results"]
    assert [row["id"] for row in listed] == [first["id"]]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"format": "csv"}, "invalid"),
        ({"dry_run": "perhaps"}, "invalid"),
        ({"color": "red"}, "invalid"),
        ({"shift_to_now": "true"}, "invalid"),
        ({"Idempotency-Key": "x"}, "idempotency_key_invalid"),
    ],
)
def test_a_wrong_request_is_told_so(fields: dict[str, Any], code: str, api: make.Api, project: str) -> None:
    answer = send(api, project, rvtools(1), **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.content


def test_a_request_without_a_file_or_that_is_no_form_is_told_so(api: make.Api, project: str) -> None:
    path = f"projects/{project}/imports/"
    assert api.post(path, {"format": "rvtools"}).status_code == 415
    form = b'--x\r\nContent-Disposition: form-data; name="format"\r\n\r\nrvtools\r\n--x--\r\n'
    answer = api.post(path, form, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")


def test_readers_read_and_contributors_import() -> None:
    cast = make.cast()
    project = make.project(cast.alice)
    assert send(cast.rita, project, rvtools(1)).status_code == 403
    done = imported(cast.bob, project, rvtools(1))
    path = f"projects/{project}/imports/{done['id']}/"
    assert cast.rita.ok(cast.rita.get(path))["id"] == done["id"]
    assert cast.rita.get(f"{path}errors.csv").status_code == 200
    for refused in (cast.rita.delete(path), cast.rita.post(f"{path}cancel/"), cast.rita.post(f"{path}confirm/")):
        assert refused.status_code == 403
    assert make.stranger().get(f"{path}errors.csv").status_code == 404
    actions = [row["action"] for row in cast.alice.ok(cast.alice.get("audit/?page_size=1000"))["results"]]
    assert "import.create" in actions


def test_a_dry_run_is_forgotten_when_deleted(api: make.Api, project: str) -> None:
    tried = imported(api, project, rvtools(1), dry_run="true")
    path = f"projects/{project}/imports/{tried['id']}/"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_utilization_of_the_template_is_stored_and_undone(api: make.Api, project: str) -> None:
    first = imported(api, project, azure(server("fs-01", cpu=50), server("fs-02")), "azure_migrate_csv")
    assert first["counts"]["created"] == 2
    second = imported(api, project, azure(server("fs-01", cpu=80)), "azure_migrate_csv")
    assert (second["counts"]["updated"], second["counts"]["not_in_file"]) == (1, 1)
    assert stated_cpu(api, project) == {"fs-01": 80.0, "fs-02": 50.0}
    undone(api, project, second["id"])
    assert stated_cpu(api, project) == {"fs-01": 50.0, "fs-02": 50.0}
    undone(api, project, first["id"])
    assert stated_cpu(api, project) == {}


def stated_cpu(api: make.Api, project: str) -> dict[str, float]:
    with tenant_context(estates.shared().tenant.id):
        found = ImportedUtilization.objects.filter(machine__project_id=project)
        return dict(found.values_list("machine__name", "cpu_percent"))


def test_a_file_without_ids_that_names_a_machine_of_an_appliance_is_warned_of(api: make.Api, project: str) -> None:
    appliance = estates.appliance(api, project)
    appliance.inventory(estates.machine(uuid(1), name="FS-01"))
    done = imported(api, project, azure(server("fs-01"), server("fs-02")), "azure_migrate_csv")
    assert [(problem["code"], problem["row"]) for problem in done["problems"]] == [("same_name", 2)]
    assert done["counts"]["created"] == 2


def test_the_same_machine_by_its_uuid_is_counted_once(api: make.Api, project: str) -> None:
    appliance = estates.appliance(api, project)
    appliance.inventory(estates.machine("vm-42", name="sql-01", instance_uuid=uuid(1)))
    imported(api, project, rvtools(1))
    group = api.ok(api.post(f"projects/{project}/groups/", {"name": "all", "filter": {}}), 201)
    assert group["machine_count"] == 1


def test_an_import_is_in_the_audit_trail_with_its_undoing() -> None:
    cast = make.cast()
    project = make.project(cast.alice)
    done = imported(cast.bob, project, rvtools(1))
    undone(cast.bob, project, done["id"])
    events = cast.alice.ok(cast.alice.get("audit/?page_size=1000"))["results"]
    actions = [event["action"] for event in events if event["object_id"] == done["id"]]
    assert sorted(actions) == ["import.create", "import.undo"]


def test_an_import_waits_for_others_of_its_project_instead_of_starting_over(api: make.Api, project: str) -> None:
    key = [f"inventory:{project}"]
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", key)
        try:
            made = api.ok(send(api, project, rvtools(1)), 202)["id"]
            ended(api, project, made, states={"running"})
            time.sleep(LOCK_TIMEOUT_SECONDS + 2)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)
    assert ended(api, project, made)["counts"]["created"] == 1
    assert Job.objects.get(object_id=made).attempt == 1


def test_undoing_goes_through_a_large_import_in_pages(
    api: make.Api, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(api, project, azure(*(server(f"fs-{number}") for number in range(3))), AZURE)
    file = azure(*(server(f"fs-{number}", cores=16, cpu=80) for number in range(7)))
    done = imported(api, project, file, AZURE)
    monkeypatch.setattr(undoing, "BATCH", 2)
    with tenant_context(estates.shared().tenant.id):
        counts = undoing.undone(FileImport.objects.get(id=done["id"]), timezone.now())
    assert counts == {"removed": 4, "restored": 3, "kept": 0}
    assert {row["cores"] for row in machines(api, project).values()} == {2}
    assert stated_cpu(api, project) == dict.fromkeys(("fs-0", "fs-1", "fs-2"), 50.0)


def test_after_the_retention_an_import_cannot_be_undone_and_says_so(api: make.Api, project: str) -> None:
    done = imported(api, project, rvtools(vInfo=[info(1), info(2, CPUs="many")]))
    path = f"projects/{project}/imports/{done['id']}/"
    made_at(done["id"], timezone.now() - RETENTION - timedelta(minutes=1))
    refused = api.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_late_to_undo")
    gone = api.get(f"{path}errors.csv")
    assert (gone.status_code, gone.json()["code"]) == (410, "problems_forgotten")
    told = api.ok(api.get(path))
    assert (told["status"], told["problems"], told["counts"]) == ("completed", [], done["counts"])
    assert datetime.fromisoformat(told["kept_until"]) < timezone.now()
    assert set(machines(api, project)) == {"vm-1", "vm-2"}


def test_what_an_old_import_keeps_is_forgotten_and_a_newer_one_is_still_undone(api: make.Api, project: str) -> None:
    old = imported(api, project, rvtools(vInfo=[info(1), info(2, CPUs="many")]))["id"]
    new = imported(api, project, rvtools(vInfo=[info(1, CPUs=8), info(3)]))["id"]
    made_at(old, timezone.now() - RETENTION - GRACE - timedelta(minutes=1))
    kept = kept_of(new)
    forget_old_imports(estates.shared().tenant.id, timezone.now())
    assert (kept_of(old), kept_of(new)) == (0, kept)
    assert undone(api, project, new)["counts"]["undo"] == {"removed": 1, "restored": 1, "kept": 0}
    assert {name: row["cores"] for name, row in machines(api, project).items()} == {"vm-1": 4, "vm-2": None}


def test_a_file_goes_when_its_import_has_ended_however_it_ended(api: make.Api, project: str) -> None:
    before = stored_files()
    imported(api, project, rvtools(1))
    assert imported(api, project, b"no workbook")["status"] == "failed"
    assert stored_files() == before
    tried = imported(api, project, rvtools(2), dry_run="true")["id"]
    assert stored_files() - before
    ended(api, project, api.ok(api.post(f"projects/{project}/imports/{tried}/confirm/"), 202)["id"])
    forgotten = imported(api, project, rvtools(3), dry_run="true")["id"]
    assert api.delete(f"projects/{project}/imports/{forgotten}/").status_code == 204
    assert stored_files() == before


def stored_files() -> set[Any]:
    with tenant_context(estates.shared().tenant.id):
        return set(StoredFile.objects.values_list("id", flat=True))


def made_at(file_import: str, at: datetime) -> None:
    with tenant_context(estates.shared().tenant.id):
        FileImport.objects.filter(id=file_import).update(created_at=at)


def kept_of(file_import: str) -> int:
    """Rows that an import keeps beside its effects."""
    with tenant_context(estates.shared().tenant.id):
        kept = [model.objects.filter(file_import=file_import).count() for model in (ImportedMachine, ImportProblem)]
    return sum(kept)
