"""What an appliance is told to do when it sends too much or too early, and what it was told beforehand."""

from uuid import uuid4

import pytest
from django.test import override_settings

from ingest.limits import MAX_MACHINES_PERFORMANCE
from tests import make
from tests.ingest import estates


def test_an_appliance_over_its_rate_is_told_when_to_come_again_and_nothing_is_lost() -> None:
    site = estates.appliance()
    site.inventory(estates.machine())
    key, body = str(uuid4()), {"sequence": 50, "interval_seconds": 600, "machines": [estates.points()]}
    with override_settings(REQUESTS_A_MINUTE_PER_TOKEN=1):
        answers = [site.upload(estates.PERFORMANCE, dict(body), key=key) for _ in range(3)]
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    accepted = site.ok(site.upload(estates.PERFORMANCE, dict(body), key=key))
    assert accepted == {"accepted": 1, "rejected": []}


def test_a_registration_announces_every_limit_and_the_limits_hold() -> None:
    people = estates.shared().alice
    made = estates.new_appliance(people, make.project(people))
    announced = people.ok(estates.register(made["registration_key"]), 201)["upload"]
    assert announced == {
        "interval_seconds": 600,
        "upload_every_seconds": 3600,
        "max_machines_performance": 10_000,
        "max_machines_inventory": 50_000,
        "max_bytes": 16 * 1024 * 1024,
        "max_inflated_bytes": 64 * 1024 * 1024,
    }
    site = estates.appliance()
    machines = [{"source_id": str(number), "start_at": "x"} for number in range(MAX_MACHINES_PERFORMANCE + 1)]
    answer = site.upload(estates.PERFORMANCE, {"interval_seconds": 600, "machines": machines})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_machines")


@pytest.mark.parametrize(
    ("record", "code", "retryable"),
    [
        (estates.points("unknown"), "unknown_machine", True),
        (estates.points("vm-1", cpu_percent=[1.0], memory_percent=[1.0, 2.0]), "array_length", False),
        (estates.points("vm-1") | {"start_at": "2020-01-01T00:00:00Z"}, "too_old", False),
        (estates.points("vm-1", cpu_percent=[-1.0]), "out_of_range", False),
    ],
)
def test_a_refused_record_is_told_to_the_appliance_and_listed_for_people(
    record: dict[str, object], code: str, retryable: bool
) -> None:
    site, rita = estates.appliance(), estates.shared().rita
    site.inventory(estates.machine())
    (told,) = site.performance(record)["rejected"]
    (listed,) = rita.ok(rita.get(f"projects/{site.project}/appliances/{site.id}/rejected/"))["results"]
    assert (told["code"], told["retryable"]) == (listed["code"], listed["retryable"]) == (code, retryable)
    assert told["message"] == listed["message"]
