"""A form that is sent twice is done once, and leads to the same page, also when both arrive at the same moment."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from groups.models import Group
from ingest.models import Appliance
from migrate_hub.portal.models import SentForm
from migrate_hub.portal.sent_forms import KEPT, forget_sent_forms
from migrate_hub.tenants.models import Project
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import enrolled, machine
from tests.portal.browsing import Browser, address, sign_in, text_of

KEY = re.compile(r'name="form_key" value="([\w-]+)"')


@pytest.fixture(scope="module")
def cast() -> make.Cast:
    return make.cast()


@pytest.fixture(scope="module")
def bob(cast: make.Cast) -> Browser:
    return sign_in(cast, "bob")


def opened(browser: Browser, name: str, *ids: Any) -> str:
    """The key of the first form of a page."""
    found = KEY.search(browser.get(name, *ids).content.decode())
    assert found
    return found[1]


def project_fields(key: str) -> dict[str, Any]:
    return {"name": f"project {key}", "target_region": "westeurope", "currency": "USD", "form_key": key}


def projects_named(cast: make.Cast, name: str) -> int:
    with tenant_context(cast.tenant.id):
        return Project.objects.filter(name=name).count()


def test_each_page_brings_a_key_of_its_own(bob: Browser) -> None:
    assert opened(bob, "portal:new-project") != opened(bob, "portal:new-project")


def test_the_same_form_again_leads_to_what_the_first_made(cast: make.Cast, bob: Browser) -> None:
    fields = project_fields(opened(bob, "portal:new-project"))
    first, second = (bob.post("portal:new-project", **fields) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert first.url == second.url
    assert projects_named(cast, fields["name"]) == 1


def test_two_posts_at_once_make_one_group(cast: make.Cast, bob: Browser) -> None:
    project, _ = enrolled(cast.bob, [machine("sql-01")])
    path = address("portal:new-group", project)
    fields: dict[str, Any] = {"name": "sent twice", "chosen": "matching", "group": "", "form_key": opened(bob, path)}
    browsers = [sign_in(cast, "bob") for _ in range(4)]

    def send(browser: Browser) -> Any:
        try:
            return browser.post(path, **fields)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(browsers)) as pool:
        answers = list(pool.map(send, browsers))
    assert {answer.status_code for answer in answers} == {302}, [text_of(answer) for answer in answers]
    assert len({answer.url for answer in answers}) == 1
    with tenant_context(cast.tenant.id):
        assert Group.objects.filter(project_id=project).count() == 1


def test_a_form_that_came_back_with_mistakes_may_be_sent_again(cast: make.Cast, bob: Browser) -> None:
    fields = {**project_fields(opened(bob, "portal:new-project")), "currency": "nothing"}
    first, second = (bob.post("portal:new-project", **fields) for _ in range(2))
    assert (first.status_code, second.status_code) == (400, 400)
    assert bob.post("portal:new-project", **{**fields, "currency": "USD"}).status_code == 302


def test_the_same_key_with_other_words_is_another_form(cast: make.Cast, bob: Browser) -> None:
    key = opened(bob, "portal:new-project")
    names = [f"{key} {number}" for number in range(2)]
    for name in names:
        assert bob.post("portal:new-project", **{**project_fields(key), "name": name}).status_code == 302
    assert [projects_named(cast, name) for name in names] == [1, 1]


def test_a_key_of_another_person_is_nobodys(cast: make.Cast, bob: Browser) -> None:
    fields = project_fields(opened(bob, "portal:new-project"))
    bob.post("portal:new-project", **fields)
    answer = sign_in(cast, "alice").post("portal:new-project", **fields)
    assert "already" in text_of(answer)  # the name is taken: it was asked for once more


def test_a_secret_is_shown_once_and_its_appliance_made_once(cast: make.Cast, bob: Browser) -> None:
    project = make.project(cast.bob)
    path = address("portal:new-appliance", project)
    fields: dict[str, Any] = {"name": "Rotterdam", "kind": "vmware", "form_key": opened(bob, path)}
    first = bob.post(path, **fields)
    second = bob.post(path, **fields, follow=True)
    assert first.status_code == 201
    with tenant_context(cast.tenant.id):
        appliance = Appliance.objects.get(project_id=project)
    assert second.redirect_chain == [(address("portal:appliance", project, appliance.id), 302)]
    assert "srvk_" not in second.content.decode()


def test_a_form_without_a_key_is_done_each_time(cast: make.Cast, bob: Browser) -> None:
    for _ in range(2):
        fields: dict[str, Any] = {"name": f"project {uuid4().hex}", "target_region": "westeurope", "currency": "USD"}
        assert bob.post("portal:new-project", **fields).status_code == 302


def test_sent_forms_are_forgotten_after_a_day(cast: make.Cast, bob: Browser) -> None:
    for age in (timedelta(0), KEPT + timedelta(minutes=1)):
        bob.post("portal:new-project", **project_fields(opened(bob, "portal:new-project")))
        with tenant_context(cast.tenant.id):
            newest = SentForm.objects.latest("id")
            newest.sent_at -= age
            newest.save()
    before = _remembered(cast)
    forget_sent_forms()
    assert _remembered(cast) == before - 1


def _remembered(cast: make.Cast) -> int:
    with tenant_context(cast.tenant.id):
        return SentForm.objects.count()
