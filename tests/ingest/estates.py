"""Builders of what appliances send, and an enrolled appliance as a client of the API."""

import functools
import gzip
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests import make

_numbers = itertools.count(1)
INVENTORY, PERFORMANCE = "ingest/inventory/", "ingest/performance/"


def an_hour_ago(hours: int = 1) -> datetime:
    """The start of a full UTC hour some hours ago."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)


def machine(source_id: str = "vm-1", **properties: Any) -> dict[str, Any]:
    """A machine of an inventory upload."""
    return {
        "source_id": source_id,
        "name": f"name of {source_id}",
        "host": "esx-07",
        "cluster": "Cluster-A",
        "power_state": "on",
        "operating_system": "Microsoft Windows Server 2016 (64-bit)",
        "boot_type": "bios",
        "cores": 4,
        "memory_mb": 16384,
        "disks": [{"source_id": "scsi0:0", "name": "Hard disk 1", "size_gb": 80.0}],
        "nics": [{"source_id": "4000", "mac_address": "00:50:56:82:d0:3c", "ip_addresses": ["10.0.0.7"]}],
    } | properties


def points(source_id: str = "vm-1", *, start_at: datetime | None = None, **series: Any) -> dict[str, Any]:
    """A machine of a performance upload; three points an hour ago unless told otherwise."""
    chosen = series or {"cpu_percent": [10.0, 20.0, 30.0], "memory_percent": [40.0, None, 50.0]}
    return {"source_id": source_id, "start_at": (start_at or an_hour_ago()).isoformat(), **chosen}


@dataclass
class ApplianceApi(make.Api):
    """An enrolled appliance: counts its sequence and makes a key for each batch."""

    token: str | None = None
    id: str = ""
    project: str = ""
    people: make.Api = field(default_factory=lambda: make.Api(None))
    sequence: int = 0

    def __post_init__(self) -> None:
        super().__init__(self.token)

    def upload(self, path: str, body: Any, *, key: str | None = None, **headers: str) -> Any:
        """Sends a body (a dict gets the next sequence) and returns the response."""
        if isinstance(body, dict):
            self.sequence = body.setdefault("sequence", self.sequence + 1)
        return self.post(path, body, **{"Idempotency-Key": key or str(uuid4())} | headers)

    def inventory(self, *machines: dict[str, Any], **envelope: Any) -> Any:
        """Sends machines and returns the answer, which must be 200."""
        return self.ok(self.upload(INVENTORY, {"machines": list(machines), **envelope}))

    def performance(self, *machines: dict[str, Any], **envelope: Any) -> Any:
        """Sends points and returns the answer, which must be 200."""
        body = {"interval_seconds": 600, "machines": list(machines), **envelope}
        return self.ok(self.upload(PERFORMANCE, body))

    def machine_id(self, source_id: str) -> str:
        """The id of one of the project's machines, removed or not."""
        listed = self.people.ok(self.people.get(f"projects/{self.project}/machines/?removed=all&page_size=1000"))
        return next(str(row["id"]) for row in listed["results"] if row["source_id"] == source_id)

    def detail(self, source_id: str) -> Any:
        """A machine with its parts and changes, as people see it."""
        return self.people.ok(self.people.get(f"projects/{self.project}/machines/{self.machine_id(source_id)}/"))

    def chart(self, source_id: str, start: datetime, end: datetime) -> Any:
        """The series of a machine, as people see them."""
        window = f"start={start.isoformat()}&end={end.isoformat()}".replace("+", "%2B")
        path = f"projects/{self.project}/machines/{self.machine_id(source_id)}/performance/?{window}"
        return self.people.ok(self.people.get(path))


def new_appliance(people: make.Api, project: str, kind: str = "vmware") -> Any:
    """What the API answers to a new appliance: its id and registration key."""
    body = {"name": f"appliance {next(_numbers)}", "kind": kind}
    return people.ok(people.post(f"projects/{project}/appliances/", body), 201)


def register(key: str, hostname: str = "collector-1") -> Any:
    """The response to a registration."""
    body = {"registration_key": key, "hostname": hostname, "version": "1.0"}
    return make.Api(None).post("appliances/register/", body)


@functools.cache
def shared() -> make.Cast:
    """One tenant for all tests that have no other in them: passwords are costly to hash, projects are not."""
    return make.cast()


def appliance(people: make.Api | None = None, project: str | None = None) -> ApplianceApi:
    """An enrolled appliance of a project, a new one unless named."""
    people = people or shared().alice
    project = project or make.project(people)
    made = new_appliance(people, project)
    enrolled = people.ok(register(made["registration_key"]), 201)
    return ApplianceApi(token=enrolled["token"], id=made["id"], project=project, people=people)


def gzipped(body: Any) -> bytes:
    return gzip.compress(json.dumps(body).encode())
