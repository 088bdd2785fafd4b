"""Links to a report that are given out: they live as long as chosen, and die alone, together, or with the report."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from migrate_hub.tenants.models import AuditEvent, Membership, Role
from migrate_hub.tenants.row_level_security import tenant_context
from reports.links import LINK_SECONDS
from reports.models import Report, ReportLink
from reports.sharing import MAX_LINKS
from reports.tasks import delete_old_reports
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine, reported
from tests.portal.second_steps import at_once

pytestmark = pytest.mark.usefixtures("catalog", "background")
Place = tuple[make.Cast, str, dict[str, Any]]


@pytest.fixture(scope="module")
def place(catalog: None, background: None) -> Place:
    """A cast, a project, and a finished assessment of one machine."""
    cast = make.cast()
    project, _ = enrolled(cast.bob, [machine("one")])
    group = group_of_all(cast.bob, project)
    return cast, project, assessed(cast.bob, project, group, sizing_criterion="as_on_premises")


@pytest.fixture
def links(place: Place) -> str:
    """The path of the links to a report of its own."""
    cast, project, assessment = place
    report = reported(cast.bob, project, assessment["id"], format="jsonl")
    return f"projects/{project}/reports/{report['id']}/links/"


def given(api: make.Api, links: str, **body: Any) -> dict[str, Any]:
    link: dict[str, Any] = api.ok(api.post(links, body), 201)
    return link


def status_of(url: str) -> int:
    """What somebody without a token gets."""
    code: int = make.Api(None).get(url.replace("http://testserver", "")).status_code
    return code


def test_a_link_serves_the_file_to_whoever_holds_it(place: Place, links: str) -> None:
    response = make.Api(None).get(given(place[0].bob, links)["url"].replace("http://testserver", ""))
    assert response.status_code == 200
    assert b"".join(response.streaming_content).startswith(b'{"table":"report"')


def test_links_given_out_are_listed_with_who_gave_them(place: Place, links: str) -> None:
    cast = place[0]
    first, second = given(cast.bob, links), given(cast.alice, links, lifetime_hours=1)
    listed = cast.rita.ok(cast.rita.get(links))["results"]
    assert [row["id"] for row in listed] == [second["id"], first["id"]]
    assert all("@" in row["created_by_email"] and status_of(row["url"]) == 200 for row in listed)


def test_a_link_lives_as_long_as_was_chosen_and_no_longer_than_the_file(place: Place, links: str) -> None:
    cast = place[0]
    report = cast.bob.ok(cast.bob.get(links.removesuffix("links/")))
    assert given(cast.bob, links, lifetime_hours=720)["expires_at"] == report["expires_at"]
    link = given(cast.bob, links, lifetime_hours=1)
    assert link["expires_at"] < report["expires_at"]
    with tenant_context(cast.tenant.id):
        ReportLink.objects.filter(id=link["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert status_of(link["url"]) == 404


def test_a_revoked_link_is_gone_and_the_others_stay(place: Place, links: str) -> None:
    bob = place[0].bob
    gone, kept = given(bob, links), given(bob, links)
    assert bob.delete(f"{links}{gone['id']}/").status_code == 204
    assert (status_of(gone["url"]), status_of(kept["url"])) == (404, 200)
    listed = {row["id"]: row for row in bob.ok(bob.get(links))["results"]}
    assert "url" not in listed[gone["id"]]
    assert listed[gone["id"]]["revoked_at"]


def test_all_links_die_at_once_and_the_report_stays(place: Place, links: str) -> None:
    bob = place[0].bob
    report = links.removesuffix("links/")
    urls = [given(bob, links)["url"], given(bob, links)["url"], bob.ok(bob.get(report))["download_url"]]
    assert [status_of(url) for url in urls] == [200] * 3
    assert bob.post(f"{links}revoke/", {}).status_code == 204
    assert [status_of(url) for url in urls] == [404] * 3
    assert status_of(bob.ok(bob.get(report))["download_url"]) == 200
    assert status_of(given(bob, links)["url"]) == 200


def test_a_link_dies_with_its_report(place: Place, links: str) -> None:
    bob = place[0].bob
    url = given(bob, links)["url"]
    assert bob.delete(links.removesuffix("links/")).status_code == 204
    assert status_of(url) == 404
    assert bob.get(links).status_code == 404


@pytest.mark.parametrize("change", [lambda url: url[:-3] + "AA/", lambda url: url.replace(":", "x:", 1)])
def test_a_link_that_was_changed_is_not_there(place: Place, links: str, change: Any) -> None:
    url = given(place[0].bob, links)["url"].replace("http://testserver", "")
    assert make.Api(None).get(change(url)).status_code == 404


def test_the_signature_of_a_short_link_runs_out(place: Place, links: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bob = place[0].bob
    url = bob.ok(bob.get(links.removesuffix("links/")))["download_url"]
    later = timezone.now().timestamp() + LINK_SECONDS + 1
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert status_of(url) == 404


def test_strangers_and_readers_give_out_no_links(place: Place, links: str) -> None:
    cast = place[0]
    link = given(cast.bob, links)
    assert cast.rita.post(links, {}).status_code == 403
    assert cast.rita.delete(f"{links}{link['id']}/").status_code == 403
    charlie = make.cast().alice
    for answer in (charlie.get(links), charlie.post(links, {}), charlie.delete(f"{links}{link['id']}/")):
        assert answer.status_code == 404


@pytest.mark.parametrize("body", [{"lifetime_hours": 0}, {"lifetime_hours": 721}, {"lifetime_hours": "x"}, {"a": 1}])
def test_a_lifetime_out_of_bounds_is_refused(place: Place, links: str, body: dict[str, Any]) -> None:
    assert place[0].bob.post(links, body).status_code == 400


def test_there_is_no_link_to_a_report_without_a_file(place: Place, links: str) -> None:
    cast, _, _ = place
    report = links.split("/")[3]
    with tenant_context(cast.tenant.id):
        Report.objects.filter(id=report).update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = cast.bob.post(links, {})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_file")


def test_links_asked_for_at_once_do_not_step_over_the_limit(place: Place, links: str) -> None:
    cast, found = place[0], links.split("/")[3]
    with tenant_context(cast.tenant.id):
        report = Report.objects.get(id=found)
        many = [ReportLink.new(report=report, expires_at=report.expires_at) for _ in range(MAX_LINKS - 1)]
        ReportLink.objects.bulk_create(many)
    statuses = at_once(6, lambda _: int(cast.bob.post(links, {}).status_code))
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]


def test_links_of_somebody_who_was_removed_stop_working(place: Place, links: str) -> None:
    cast, email = place[0], f"{uuid4().hex}@example.com"
    leaving = make.Api(make.token_for(cast.tenant, email, Role.CONTRIBUTOR))
    theirs, ours = given(leaving, links), given(cast.bob, links)
    member = Membership.objects.get(tenant=cast.tenant, user__email=email)
    cast.alice.ok(cast.alice.delete(f"members/{member.id}/"), 204)
    assert (status_of(theirs["url"]), status_of(ours["url"])) == (404, 200)


def test_giving_and_revoking_stand_in_the_audit_trail(place: Place, links: str) -> None:
    cast = place[0]
    cast.bob.delete(f"{links}{given(cast.bob, links)['id']}/")
    cast.bob.post(f"{links}revoke/", {})
    with tenant_context(cast.tenant.id):
        told = AuditEvent.objects.filter(object_id=links.split("/")[3]).values_list("action", flat=True)
        assert set(told) == {"report.create", "report.share", "report.revoke_link", "report.revoke_links"}


def test_links_are_forgotten_with_what_is_left_of_their_report(place: Place, links: str) -> None:
    cast = place[0]
    gone = given(cast.bob, links)
    with tenant_context(cast.tenant.id):
        report = ReportLink.objects.get(id=gone["id"]).report
        Report.objects.filter(id=report.id).update(expires_at=timezone.now() - timedelta(days=31))
    delete_old_reports()
    with tenant_context(cast.tenant.id):
        assert not ReportLink.objects.filter(id=gone["id"]).exists()
    assert cast.bob.get(links).status_code == 404
