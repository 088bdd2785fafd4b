"""The reference appliance against the real hub: what its scripted tests assume is what the hub does."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from migrate_hub.local.demo.appliance import Appliance, Refused
from migrate_hub.local.demo.estate import GeneratedSite, generate_site
from tests import make

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
NEWEST_BLOCK = 14


@pytest.fixture
def http(web: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=web, timeout=30) as client:
        yield client


@pytest.fixture
def site() -> GeneratedSite:
    return generate_site(number=0, machine_count=4, ends_at=HOUR)


class Enrolment:
    """A project of a fresh tenant with an appliance that has its key but has not registered."""

    def __init__(self) -> None:
        self.alice = make.cast().alice
        self.project = make.project(self.alice)
        path = f"projects/{self.project}/appliances/"
        self.made = self.alice.ok(self.alice.post(path, {"name": "vcenter", "kind": "vmware"}), 201)

    def register(self, appliance: Appliance) -> None:
        appliance.register(registration_key=self.made["registration_key"], hostname="vcenter.example")

    def machines(self) -> set[str]:
        rows = self.alice.ok(self.alice.get(f"projects/{self.project}/machines/"))["results"]
        return {row["source_id"] for row in rows}


def appliance(http: httpx.Client, folder: Path) -> Appliance:
    return Appliance(http=http, folder=folder, stop=threading.Event())


def test_the_hub_takes_inventory_and_points(http: httpx.Client, tmp_path: Path, site: GeneratedSite) -> None:
    enrolment, one = Enrolment(), appliance(http, tmp_path)
    enrolment.register(one)
    one.heartbeat()
    told = one.send_inventory(site.inventory(0), snapshot=True, collected_at=HOUR - timedelta(days=30))
    points = site.points(site.source_ids, NEWEST_BLOCK)
    sent = one.send_performance(points, interval_seconds=600, inventory_of=lambda ids: [])
    assert (told.accepted, told.rejected) == (4, [])
    assert (sent.accepted, sent.rejected) == (len(points), [])
    assert enrolment.machines() == set(site.source_ids)


def test_machines_unknown_to_the_hub_become_known(http: httpx.Client, tmp_path: Path, site: GeneratedSite) -> None:
    enrolment, one = Enrolment(), appliance(http, tmp_path)
    enrolment.register(one)
    points = site.points(site.source_ids, NEWEST_BLOCK)
    answer = one.send_performance(points, interval_seconds=600, inventory_of=lambda ids: site.inventory(0))
    assert (answer.accepted, answer.rejected) == (len(points), [])
    assert enrolment.machines() == set(site.source_ids)


def test_registering_again_after_a_lost_answer_works_until_the_token_is_used(
    http: httpx.Client, tmp_path: Path
) -> None:
    enrolment, lost, one = Enrolment(), appliance(http, tmp_path / "lost"), appliance(http, tmp_path)
    enrolment.register(lost)
    enrolment.register(one)
    one.heartbeat()
    with pytest.raises(Refused) as refused:
        enrolment.register(lost)
    assert refused.value.status == 403


def test_a_rotated_token_works(http: httpx.Client, tmp_path: Path) -> None:
    enrolment, one = Enrolment(), appliance(http, tmp_path)
    enrolment.register(one)
    assert one.registration is not None
    before = one.registration.token
    one.rotate_token()
    assert one.registration.token != before
    appliance(http, tmp_path).heartbeat()
