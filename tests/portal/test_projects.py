"""Home and projects: what each role may do, what a stranger sees, what a form says."""

import base64
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from migrate_hub.tenants.models import AuditEvent
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.portal.browsing import Browser, sign_in, text_of


def fields(**changes: Any) -> dict[str, Any]:
    return {"name": f"Site {uuid4().hex[:6]}", "target_region": "westeurope", "currency": "USD", **changes}


def test_a_project_is_made_and_opened() -> None:
    alice = sign_in(make.cast())
    assert "No project yet" in alice.see("portal:home")
    response = alice.post("portal:new-project", **fields(name="Harbor Works"), follow=True)
    assert response.status_code == 200
    assert "Harbor Works" in text_of(response)
    assert "Harbor Works" in alice.see("portal:home")


def test_what_was_typed_stays_and_the_error_stands_beside_its_field() -> None:
    cast = make.cast()
    make.project(cast.alice, name="Taken")
    response = sign_in(cast).post("portal:new-project", **fields(name="Taken", target_region="northeurope"))
    assert response.status_code == 400
    form = response.context["form"]
    assert form.errors == {"name": ["A project named 'Taken' exists already. Choose another name."]}
    assert b'value="northeurope"' in response.content


def test_the_rules_of_the_api_hold_in_forms() -> None:
    alice = sign_in(make.cast())
    response = alice.post("portal:new-project", **fields(name="bell \x07", target_region="a/b", currency="usd"))
    assert response.status_code == 400
    assert set(response.context["form"].errors) >= {"target_region", "currency"}


def test_a_long_hostile_name_is_shown_as_text() -> None:
    alice = sign_in(make.cast())
    name = "<script>alert(1)</script>" + "x" * 170
    response = alice.post("portal:new-project", **fields(name=name), follow=True)
    assert b"<script>alert" not in response.content
    assert b"&lt;script&gt;alert(1)" in response.content


def test_a_project_is_changed_and_deleted() -> None:
    cast = make.cast()
    project = make.project(cast.alice, name="Old name")
    alice = sign_in(cast)
    alice.post("portal:project-settings", project, **fields(name="New name"))
    assert "New name" in alice.see("portal:project", project)
    assert "Delete New name?" in alice.see("portal:delete-project", project)
    assert alice.post("portal:delete-project", project).status_code == 302
    assert alice.get("portal:project", project).status_code == 404


def test_a_reader_sees_no_buttons_and_is_refused_on_post() -> None:
    cast = make.cast()
    project = make.project(cast.alice)
    rita = sign_in(cast, "rita")
    assert "New project" not in rita.see("portal:home")
    assert "Settings" not in rita.see("portal:project", project)
    for name, ids in (("portal:new-project", []), ("portal:project-settings", [project])):
        assert rita.get(name, *ids).status_code == 403
        response = rita.post(name, *ids, **fields())
        assert response.status_code == 403
        assert "Your role does not allow this" in text_of(response)


def test_only_an_owner_deletes() -> None:
    cast = make.cast()
    project = make.project(cast.alice)
    bob = sign_in(cast, "bob")
    assert "Delete" not in bob.see("portal:project-settings", project)
    assert bob.post("portal:delete-project", project).status_code == 403
    assert bob.get("portal:project", project).status_code == 200


def test_anothers_project_and_none_at_all_are_the_same_page() -> None:
    theirs = make.project(make.cast().alice, name="Not yours")
    alice = sign_in(make.cast())
    pages = {
        alice.get(path).content
        for path in (f"/projects/{theirs}/", f"/projects/{uuid4()}/", "/projects/nonsense/", "/no/such/page/")
    }
    assert len(pages) == 1
    assert alice.get(f"/projects/{theirs}/").status_code == 404
    assert alice.post("portal:project-settings", theirs, **fields()).status_code == 404


def test_forms_carry_the_csrf_token_and_work_with_it() -> None:
    cast = make.cast()
    browser = Browser()
    browser.client = Client(enforce_csrf_checks=True)
    token = browser.get("portal:sign-in").context["csrf_token"]
    browser.post("portal:sign-in", email=cast.emails["alice"], password=make.PASSWORD, csrfmiddlewaretoken=str(token))
    assert browser.post("portal:new-project", **fields(name="Without")).status_code == 403
    token = browser.get("portal:new-project").context["csrf_token"]
    assert browser.post("portal:new-project", **fields(), csrfmiddlewaretoken=str(token)).status_code == 302
    assert "Without" not in browser.see("portal:home")


def test_what_is_done_in_the_portal_stands_in_the_audit_trail_with_the_person() -> None:
    cast = make.cast()
    alice = sign_in(cast)
    alice.post("portal:new-project", **fields())
    with tenant_context(cast.tenant.id):
        event = AuditEvent.objects.get(action="project.create")
    assert event.user_id is not None
    assert event.token_id is None
    assert cast.emails["alice"] in alice.see("portal:audit")
    assert sign_in(cast, "bob").get("portal:audit").status_code == 403


def test_pages_tell_browsers_to_keep_nothing_and_load_nothing_from_elsewhere() -> None:
    response = sign_in(make.cast()).get("portal:home")
    assert "no-store" in response["Cache-Control"]
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert b"style=" not in response.content
    assert b"http://" not in response.content.replace(b"http://www.w3.org", b"")


def test_many_projects_page_by_name_without_more_queries() -> None:
    cast = make.cast()
    for number in range(55):
        make.project(cast.alice, name=f"Site {number:03}")
    alice = sign_in(cast)
    alice.see("portal:home")
    with CaptureQueriesContext(connection) as queries:
        response = alice.get("portal:home")
    assert len(queries) <= 24, [query["sql"] for query in queries]
    words = text_of(response)
    assert [name in words for name in ("Site 000", "Site 049", "Site 050")] == [True, True, False]
    second = alice.get("portal:home", query=response.context["page"].next_link)
    assert [row.name for row in second.context["page"].rows] == [f"Site {number:03}" for number in range(50, 55)]
    back = alice.get("portal:home", query=second.context["page"].previous_link)
    assert [row.name for row in back.context["page"].rows] == [f"Site {number:03}" for number in range(50)]


LONE_SURROGATE = base64.urlsafe_b64encode(b'["\\ud800", "0198c1f0-0000-7000-8000-000000000000"]').decode()


@pytest.mark.parametrize("cursor", ["nonsense", "W10=", "WyJhIiwgImIiXQ==", "x" * 3000, "e30=", LONE_SURROGATE])
def test_a_broken_cursor_shows_the_first_page(cursor: str) -> None:
    cast = make.cast()
    make.project(cast.alice, name="First of all")
    assert "First of all" in sign_in(cast).see("portal:home", query=f"?after={cursor}")


def test_a_page_that_a_signed_out_person_posts_to_leads_to_sign_in() -> None:
    response = Browser().client.post(
        reverse("portal:new-project"), fields(), headers={"Referer": "http://testserver/projects/new/"}
    )
    assert response["Location"] == "/sign-in/?next=%2Fprojects%2Fnew%2F"
