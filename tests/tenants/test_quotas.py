"""What the operators allow a tenant binds where things are made, and owners see how much of it is used."""

import io
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from migrate_hub.errors import DomainError
from migrate_hub.files.storage import store_file
from migrate_hub.jobs.claiming import claim
from migrate_hub.jobs.models import Job
from migrate_hub.tenants.models import Tenant, uuid7
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import enrolled, instant, machine
from tests.ingest.imports.files import azure, send, server
from tests.portal.browsing import sign_in
from tests.portal.second_steps import at_once


@pytest.fixture
def cast() -> make.Cast:
    return make.cast()


def allow(cast: make.Cast, **quotas: int | None) -> None:
    Tenant.objects.filter(id=cast.tenant.id).update(**quotas)


def refusal(response: Any) -> str:
    assert response.status_code == 409, response.content
    document = response.json()
    assert document["code"] == "limit_reached"
    return str(document["detail"])


def use_of(api: make.Api, name: str) -> dict[str, Any]:
    return next(limit for limit in api.ok(api.get("usage/"))["limits"] if limit["name"] == name)


def test_projects_end_at_the_tenants_own_quota(cast: make.Cast) -> None:
    make.project(cast.alice)
    allow(cast, max_projects=1)
    body = {"name": "second", "target_region": "westeurope"}
    assert "at most 1 projects" in refusal(cast.alice.post("projects/", body))
    allow(cast, max_projects=2)
    cast.alice.ok(cast.alice.post("projects/", body), 201)


def test_members_and_tokens_end_at_the_tenants_own_quota(cast: make.Cast) -> None:
    allow(cast, max_members=3, max_tokens=3)
    refusal(cast.alice.post("members/", {"email": "fourth@example.com", "role": "reader"}))
    refusal(cast.alice.post("tokens/", {"name": "fourth"}))


@pytest.mark.parametrize(
    ("quota", "path", "body"),
    [
        ("max_projects", "projects/", {"name": "racing {number}", "target_region": "westeurope"}),
        ("max_members", "members/", {"email": "racing-{number}-{mark}@example.com", "role": "reader"}),
        ("max_tokens", "tokens/", {"name": "racing {number}", "role": "reader"}),
    ],
)
def test_many_requests_at_once_do_not_step_over_a_quota(
    quota: str, path: str, body: dict[str, str], cast: make.Cast
) -> None:
    room = use_of(cast.alice, quota.removeprefix("max_"))["used"] + 1  # a token that was used before waits for nobody
    allow(cast, **{quota: room})

    def one(number: int) -> int:
        filled = {key: text.format(number=number, mark=uuid4().hex[:8]) for key, text in body.items()}
        return int(cast.alice.post(path, filled).status_code)

    statuses = at_once(6, one)
    use = use_of(cast.alice, quota.removeprefix("max_"))
    assert set(statuses) == {201, 409}
    assert use["used"] == use["limit"]


def test_files_at_once_do_not_step_over_the_tenants_space(cast: make.Cast) -> None:
    allow(cast, max_stored_bytes=3000)

    def one(_: int) -> bool:
        try:
            with tenant_context(cast.tenant.id):
                store_file(io.BytesIO(b"x" * 1000), name="x", content_type="text/plain", expires_at=None)
        except DomainError:
            return False
        return True

    assert sorted(at_once(5, one)) == [False, False, True, True, True]


def test_an_inventory_over_the_quota_stores_nothing(cast: make.Cast) -> None:
    project, appliance = enrolled(cast.alice, [machine("sql-01")])
    allow(cast, max_machines_a_project=2)
    machines = [machine("sql-01"), machine("web-01"), machine("web-02")]
    body = {"snapshot": True, "collected_at": instant(datetime.now(UTC)), "machines": machines, "removed": []}
    response = appliance.upload("inventory", body)
    assert "at most 2 machines" in refusal(response)
    names = [row["name"] for row in cast.alice.ok(cast.alice.get(f"projects/{project}/machines/"))["results"]]
    assert names == ["sql-01"]


def test_files_end_at_the_tenants_own_space(cast: make.Cast) -> None:
    project = make.project(cast.alice)
    allow(cast, max_stored_bytes=10)
    response = send(cast.alice, project, azure(server("file-01")), "azure_migrate_csv")
    assert response.status_code == 409, response.content
    assert response.json()["code"] == "quota_exceeded"


def test_a_job_waits_while_the_tenants_own_number_of_jobs_runs(cast: make.Cast) -> None:
    allow(cast, max_running_jobs=1)
    jobs = [Job.objects.create(tenant_id=cast.tenant.id, task="tests.none", object_id=uuid7()) for _ in range(2)]
    assert claim(cast.tenant.id, jobs[0].id) is not None
    assert claim(cast.tenant.id, jobs[1].id) is None
    allow(cast, max_running_jobs=None)
    assert claim(cast.tenant.id, jobs[1].id) is not None
    Job.objects.filter(tenant_id=cast.tenant.id).delete()


def test_usage_counts_what_is_there_and_says_whose_the_limit_is(cast: make.Cast) -> None:
    enrolled(cast.alice, [machine("sql-01"), machine("web-01")])
    allow(cast, max_projects=5)
    assert use_of(cast.alice, "projects") == {"name": "projects", "used": 1, "limit": 5, "is_own": True}
    assert use_of(cast.alice, "machines_a_project")["used"] == 2
    members = use_of(cast.alice, "members")
    assert (members["used"], members["limit"], members["is_own"]) == (3, 1000, False)


def test_usage_is_for_owners(cast: make.Cast) -> None:
    assert cast.bob.get("usage/").status_code == 403
    assert sign_in(cast, "rita").get("portal:usage").status_code == 403


def test_the_page_shows_each_limit_in_words(cast: make.Cast) -> None:
    make.project(cast.alice)
    allow(cast, max_projects=1, max_stored_bytes=5_000_000)
    page = sign_in(cast).see("portal:usage")
    assert "Projects Deleted ones do not count. 1 1 100 % this tenant" in page
    assert "0 bytes 5 MB 0 % this tenant" in page
