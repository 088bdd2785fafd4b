"""An estate made through the front door: an appliance enrolls, uploads, a group is assessed, a report is made."""

import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from PIL import Image

from tests import make
from tests.conftest import wait_until
from tests.ingest.imports.files import azure, imported, server

POINTS_A_DAY = 144
INTERVAL_SECONDS = 600
DONE = {"completed", "failed"}


def last_full_hour() -> datetime:
    """The instant at which named windows of a run created now end."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def mac_address(source_id: str) -> str:
    """An address for each machine: two with one address would be recognised as one machine."""
    digits = f"{zlib.crc32(source_id.encode()):08x}"
    return f"00:50:56:{digits[:2]}:{digits[2:4]}:{digits[4:6]}"


def machine(source_id: str, **changes: Any) -> dict[str, Any]:
    """A machine as an appliance lists it; two disks and one NIC unless said otherwise."""
    return {
        "source_id": source_id,
        "name": source_id,
        "host": "esx-07",
        "cluster": "Cluster-A",
        "power_state": "on",
        "operating_system": "Microsoft Windows Server 2019 (64-bit)",
        "boot_type": "uefi",
        "cores": 4,
        "memory_mb": 16384,
        "disks": [
            {"source_id": "scsi0:0", "name": "scsi0:0", "size_gb": 80.0},
            {"source_id": "scsi0:1", "name": "scsi0:1", "size_gb": 200.0},
        ],
        "nics": [{"source_id": "4000", "mac_address": mac_address(source_id), "ip_addresses": ["10.0.0.7"]}],
        **changes,
    }


def points(source_id: str, start: datetime, count: int = POINTS_A_DAY, **changes: Any) -> dict[str, Any]:
    """Flat utilization of one machine: 20 % of CPU, 40 % of memory, quiet disks and NIC."""
    disk = {name: [value] * count for name, value in DISK_VALUES.items()}
    return {
        "source_id": source_id,
        "start_at": instant(start),
        "cpu_percent": [20.0] * count,
        "memory_percent": [40.0] * count,
        "disks": {"scsi0:0": disk, "scsi0:1": disk},
        "nics": {"4000": {"received_mbps": [1.0] * count, "transmitted_mbps": [2.0] * count}},
        **changes,
    }


DISK_VALUES = {"read_mbps": 2.0, "write_mbps": 1.0, "read_iops": 50.0, "write_iops": 30.0}


class Appliance:
    """An enrolled appliance that numbers its uploads."""

    def __init__(self, api: make.Api, project: str, *, name: str | None = None) -> None:
        body = {"name": name or f"appliance {uuid4().hex[:6]}", "kind": "vmware"}
        created = api.ok(api.post(f"projects/{project}/appliances/", body), 201)
        self.id = created["id"]
        self.sequence = 0
        self.register(created["registration_key"])

    def register(self, key: str) -> None:
        body = {"registration_key": key, "hostname": "collector-1", "version": "1.0"}
        answer = make.Api(None).post("appliances/register/", body)
        self.registration = make.Api(None).ok(answer, 201)
        self.api = make.Api(self.registration["token"])

    def upload(self, kind: str, body: Mapping[str, Any], **headers: str) -> Any:
        """Sends the next batch; the response as it is."""
        self.sequence += 1
        headers.setdefault("Idempotency-Key", str(uuid4()))
        return self.api.post(f"ingest/{kind}/", {"sequence": self.sequence, **body}, **headers)

    def inventory(self, machines: Sequence[Mapping[str, Any]], *, snapshot: bool = True) -> Any:
        body = {"snapshot": snapshot, "collected_at": instant(datetime.now(UTC)), "machines": machines, "removed": []}
        return self.api.ok(self.upload("inventory", body))

    def performance(self, machines: Sequence[Mapping[str, Any]], interval_seconds: int = INTERVAL_SECONDS) -> Any:
        body = {
            "sent_at": instant(datetime.now(UTC)),
            "interval_seconds": interval_seconds,
            "machines": machines,
        }
        return self.api.ok(self.upload("performance", body))


@dataclass
class Estate:
    """Ids of one of everything, by the names of the URLs' parts."""

    cast: make.Cast
    ids: dict[str, str]

    def path(self, route: str, *, instead: UUID | None = None) -> str:
        """A route with its parts filled in; `instead` of every id another one."""
        return re.sub(r"<str:(\w+)>", lambda part: str(instead or self.ids[part[1]]), route)


def enrolled(api: make.Api, machines: Sequence[Mapping[str, Any]], **of_project: Any) -> tuple[str, Appliance]:
    """A project whose appliance listed these machines."""
    project = make.project(api, **of_project)
    appliance = Appliance(api, project)
    appliance.inventory(machines)
    return project, appliance


def machine_ids(api: make.Api, project: str) -> dict[str, str]:
    """Ids of a project's machines by name."""
    rows = api.ok(api.get(f"projects/{project}/machines/?page_size=1000"))["results"]
    return {row["name"]: row["id"] for row in rows}


def group_of_all(api: make.Api, project: str, name: str = "all") -> str:
    ids = list(machine_ids(api, project).values())
    return str(api.ok(api.post(f"projects/{project}/groups/", {"name": name, "machines": ids}), 201)["id"])


def assessed(api: make.Api, project: str, group: str, *, name: str | None = None, **settings: Any) -> dict[str, Any]:
    """A finished assessment; waits for the worker."""
    body = {"name": name or f"assessment {uuid4().hex[:6]}", "settings": settings}
    made = api.ok(api.post(f"projects/{project}/groups/{group}/assessments/", body), 202)
    return finished(api, project, made["id"])


def finished(api: make.Api, project: str, assessment: str) -> dict[str, Any]:
    """The assessment once its newest run has ended."""
    path = f"projects/{project}/assessments/{assessment}/"

    def ended() -> Any:
        answer = api.ok(api.get(path))
        return answer if answer["status"] in DONE else None

    result: dict[str, Any] = wait_until(ended, seconds=60, what="the assessment")
    return result


def reported(api: make.Api, project: str, assessment: str, **body: Any) -> dict[str, Any]:
    """A finished report; waits for the worker."""
    path = f"projects/{project}/assessments/{assessment}/reports/"
    made = api.ok(api.post(path, {"format": "xlsx", **body}), 202)

    def ended() -> Any:
        answer = api.ok(api.get(f"{path}{made['id']}/"))
        return answer if answer["status"] in DONE else None

    result: dict[str, Any] = wait_until(ended, seconds=60, what="the report")
    return result


def price_sheet(api: make.Api, *rows: str, name: str | None = None) -> str:
    """The id of a price sheet with these rows below the header, by default one price."""
    header = "size,region,scenario,os,unit_price,unit,currency,valid_from"
    lines = rows or ("Standard_D4s_v5,westeurope,pay_as_you_go,linux,0.2,hour,USD,2026-01-01",)
    body = {"name": name or f"sheet {uuid4().hex[:6]}", "csv": "\n".join([header, *lines])}
    return str(api.ok(api.post("price-sheets/", body), 201)["id"])


def report_template(api: make.Api, **said: Any) -> str:
    """The id of a report template with a logo."""
    body = {"name": f"template {uuid4().hex[:6]}", **said}
    template = str(api.ok(api.post("report-templates/", body), 201)["id"])
    api.ok(send_file(api, f"report-templates/{template}/logo/", png()))
    return template


def png(width: int = 4, height: int = 2, color: str = "red") -> bytes:
    """A picture."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), color).save(file, "PNG")
    return file.getvalue()


def send_file(api: make.Api, path: str, content: bytes, *, name: str = "file") -> Any:
    """Posts a multipart body with one part, `file`; the response as it is."""
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile(name, content)})
    return api.post(path, body, **{"Content-Type": MULTIPART_CONTENT})


def whole_estate() -> Estate:
    """One project with everything in it, all of it finished."""
    cast = make.cast()
    api = cast.alice
    project, appliance = enrolled(api, [machine("sql-01"), machine("web-01")])
    start = last_full_hour() - timedelta(days=1)
    appliance.performance([points("sql-01", start), points("web-01", start)])
    group = group_of_all(api, project)
    assessment = assessed(api, project, group)
    assert assessment["status"] == "completed", assessment
    report = reported(api, project, assessment["id"])
    assert report["status"] == "completed", report
    tokens = api.ok(api.get("tokens/"))["results"]
    members = api.ok(api.get("members/"))["results"]
    catalogs = api.ok(api.get("catalogs/"))["results"]
    ids = {
        "project": project,
        "appliance": appliance.id,
        "machine": machine_ids(api, project)["sql-01"],
        "group": group,
        "assessment": assessment["id"],
        "run": api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/runs/"))["results"][0]["id"],
        "report": report["id"],
        "link": str(api.ok(api.post(f"projects/{project}/reports/{report['id']}/links/", {}), 201)["id"]),
        "token": next(token["id"] for token in tokens if token["role"] == "reader"),
        "member": next(member["id"] for member in members if member["role"] == "contributor"),
        "invitation": api.ok(api.post("invitations/", {"email": f"{uuid4().hex}@example.com"}), 201)["id"],
        "catalog": next(each["id"] for each in catalogs if each["is_current"]),
        "price_sheet": price_sheet(api),
        "file_import": imported(api, project, azure(server("file-01")), "azure_migrate_csv")["id"],
        "report_template": report_template(api),
        "signed": "forged",
    }
    ids["job"] = ids["run"]
    return Estate(cast=cast, ids=ids)
