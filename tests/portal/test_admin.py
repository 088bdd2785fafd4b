"""The operators' admin: who gets in, what is there, what it changes, and that nothing of a tenant's data is."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from assessments.catalog.models import Catalog
from assessments.models import Assessment, AssessmentRun
from ingest.imports.queueing import IMPORT_TASK, UNDO_TASK
from migrate_hub.jobs.claiming import claim
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.oidc.models import DomainRoute
from migrate_hub.portal.operators.jobs import first_id_at
from migrate_hub.tenants.encryption import encrypt
from migrate_hub.tenants.models import AccountEvent, Membership, SecondFactor, Tenant, TenantModel, User, uuid7
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import assessed, enrolled, group_of_all, machine
from tests.portal.browsing import Browser, give_password, sign_in, somebody, text_of
from tests.portal.conftest import Site


def operators_browser(*, is_superuser: bool = True) -> Browser:
    """The browser of staff whose second factor is set up; the session began before, so no code is asked for."""
    email = somebody()
    User.objects.filter(email=email).update(is_staff=True, is_superuser=is_superuser)
    browser = Browser(email)
    user = User.objects.get(email=email)
    SecondFactor.objects.create(user=user, secret_encrypted=encrypt("x", purpose="second-factor"), last_step=0)
    return browser


@pytest.fixture(scope="module")
def operator() -> Browser:
    return operators_browser()


@pytest.fixture
def cast() -> make.Cast:
    return make.cast()


def trail_of(cast: make.Cast) -> str:
    return sign_in(cast).see("portal:audit")


def tenant_form(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    tenant.refresh_from_db()
    return {"name": tenant.name, **changes}


# --- who gets in, and what is there ---------------------------------------------------------------------------------


def test_no_tenants_data_is_registered() -> None:
    registered = set(admin.site._registry)
    assert {Tenant, User, Job} <= registered
    assert {model for model in registered if issubclass(model, TenantModel)} == set()


def test_nobody_signs_in_past_the_portals_delays() -> None:
    response = Browser().get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response.url.startswith("/sign-in/")
    assert Browser().get("/admin/").status_code == 302


def test_a_tenants_owner_is_no_operator() -> None:
    owner = Browser(somebody())
    assert owner.get("/admin/", follow=True).status_code == 403
    assert owner.get("/admin/tenants/tenant/", follow=True).status_code == 403


def test_staff_without_a_second_factor_are_led_to_set_one_up() -> None:
    email = somebody()
    User.objects.filter(email=email).update(is_staff=True, is_superuser=True)
    page = Browser(email).get("/admin/tenants/tenant/", follow=True)
    assert page.redirect_chain[-1][0].startswith("/account/second-factor/")
    assert "with a second factor only" in text_of(page)


def test_operators_see_tenants_people_jobs_domains_and_catalogs(operator: Browser, site: Site) -> None:
    name = site.estate.cast.tenant.name
    assert name in text_of(operator.get("/admin/tenants/tenant/", query=f"?q={quote(name)}"))
    assert name not in text_of(operator.get("/admin/tenants/tenant/", query="?q=nobody"))
    for path in ("", "tenants/user/", "jobs/job/", "assessments/catalog/", "oidc/domainroute/"):
        assert operator.get(f"/admin/{path}").status_code == 200


# --- tenants --------------------------------------------------------------------------------------------------------


def test_quotas_are_set_and_bind_and_owners_see_who_did_it(operator: Browser, cast: make.Cast) -> None:
    make.project(cast.alice)
    path = f"/admin/tenants/tenant/{cast.tenant.id}/change/"
    assert "Empty: 1,000, as for every tenant." in text_of(operator.get(path))
    assert operator.post(path, **tenant_form(cast.tenant, max_projects="1")).status_code == 302
    assert cast.alice.post("projects/", {"name": "second", "target_region": "westeurope"}).status_code == 409
    trail = trail_of(cast)
    assert "an operator" in trail
    assert "Changed the tenant" in trail


def test_a_quota_that_is_no_number_is_refused_beside_the_field(operator: Browser, cast: make.Cast) -> None:
    path = f"/admin/tenants/tenant/{cast.tenant.id}/change/"
    for wrong in ("-1", "many"):
        assert operator.post(path, **tenant_form(cast.tenant, max_projects=wrong)).status_code == 200
    cast.tenant.refresh_from_db()
    assert cast.tenant.max_projects is None


def test_switching_a_tenant_off_asks_first_and_is_no_field_of_the_form(operator: Browser, cast: make.Cast) -> None:
    form = tenant_form(cast.tenant)
    assert operator.post(f"/admin/tenants/tenant/{cast.tenant.id}/change/", **form).status_code == 302
    cast.tenant.refresh_from_db()
    assert cast.tenant.is_active
    path = f"/admin/tenants/tenant/{cast.tenant.id}/switch/"
    assert "3 members" in text_of(operator.get(path))
    for _ in range(2):  # a form that is sent twice
        operator.post(path, to="off")
    cast.tenant.refresh_from_db()
    assert not cast.tenant.is_active
    assert cast.alice.get("projects/").status_code == 401
    operator.post(path, to="on")
    assert "Switched the tenant off" in trail_of(cast)


def test_a_tenant_is_neither_made_nor_deleted(operator: Browser, cast: make.Cast) -> None:
    assert operator.get("/admin/tenants/tenant/add/").status_code == 403
    assert operator.post(f"/admin/tenants/tenant/{cast.tenant.id}/delete/", post="yes").status_code == 403


def test_the_members_are_shown(operator: Browser, cast: make.Cast) -> None:
    page = text_of(operator.get(f"/admin/tenants/tenant/{cast.tenant.id}/change/"))
    assert f"{cast.emails['alice']} (owner)" in page


def test_a_domain_is_confirmed_once_and_kept_as_a_hash(operator: Browser, cast: make.Cast) -> None:
    domain = f"{uuid7().hex}.example"
    path = "/admin/oidc/domainroute/add/"
    assert operator.post(path, tenant=cast.tenant.id, domain=domain).status_code == 302
    assert operator.post(path, tenant=cast.tenant.id, domain=domain).status_code == 200  # there already
    route = DomainRoute.objects.get(tenant=cast.tenant)
    assert operator.get(f"/admin/oidc/domainroute/{route.id}/change/").status_code == 200
    assert cast.tenant.name in text_of(operator.get("/admin/oidc/domainroute/", query=f"?q={domain}"))
    assert domain in str(cast.alice.ok(cast.alice.get("audit/"))["results"])


# --- people ---------------------------------------------------------------------------------------------------------


def test_an_operator_gives_a_new_person_a_password(operator: Browser, cast: make.Cast) -> None:
    fields: dict[str, Any] = {"usable_password": "true", "password1": make.PASSWORD, "password2": make.PASSWORD}
    email = f"new-{cast.emails['rita']}"
    assert operator.post("/admin/tenants/user/add/", email=email, **fields).status_code == 302
    give_password(cast.emails["alice"])
    cast.alice.ok(cast.alice.post("members/", {"email": email, "role": "reader"}), 201)
    assert Browser(email).get("portal:home").status_code == 200


def person_form(person: User, **changes: Any) -> dict[str, Any]:
    inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    return {"email": person.email, "name": person.name, "is_active": "on", **inline, **changes}


def test_switching_a_person_off_ends_their_sessions_and_tells_the_owners(operator: Browser, cast: make.Cast) -> None:
    bob = User.objects.get(email=cast.emails["bob"])
    browser = sign_in(cast, "bob")
    form = person_form(bob)
    del form["is_active"]
    assert operator.post(f"/admin/tenants/user/{bob.id}/change/", **form).status_code == 302
    assert browser.get("portal:home").status_code == 302
    assert "Person change" in trail_of(cast)


def test_the_invitations_of_a_person_who_is_switched_off_let_nobody_in(operator: Browser, cast: make.Cast) -> None:
    alice = User.objects.get(email=cast.emails["alice"])
    sent = {"email": somebody(), "role": "owner"}
    link = cast.alice.ok(cast.alice.post("invitations/", sent), 201)["link"]
    path = urlsplit(link).path
    assert Browser().get(path).status_code == 200
    form = person_form(alice)
    del form["is_active"]
    assert operator.post(f"/admin/tenants/user/{alice.id}/change/", **form).status_code == 302
    assert Browser().get(path).status_code == 404


def test_a_link_for_a_new_password_is_shown_once_and_works(operator: Browser, cast: make.Cast) -> None:
    person = User.objects.get(email=cast.emails["bob"])
    path = f"/admin/tenants/user/{person.id}/reset/"
    assert "/reset-password/" not in operator.get(path).content.decode()
    page = operator.post(path)
    link = next(word for word in text_of(page).split() if "/reset-password/" in word)
    assert Browser().client.get(link.replace("http://testserver", "")).status_code == 200
    assert AccountEvent.objects.filter(user_id=person.id, by_operator=True).exists()


def test_only_superusers_make_operators_or_links_for_them(cast: make.Cast) -> None:
    staff = operators_browser(is_superuser=False)
    person = User.objects.get(email=cast.emails["bob"])
    assert (
        staff.post(f"/admin/tenants/user/{person.id}/change/", **person_form(person, is_staff="on")).status_code == 403
    )
    person.refresh_from_db()
    assert not person.is_staff


def allowed_staff(*names: str) -> Browser:
    """Staff who are no superuser and have these permissions."""
    browser = operators_browser(is_superuser=False)
    user = User.objects.get(pk=browser.client.session["_auth_user_id"])
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return browser


def test_staff_with_no_permission_reach_nothing_by_its_address(
    cast: make.Cast, failed_job: Job, operator: Browser
) -> None:
    staff = allowed_staff()
    switch = f"/admin/tenants/tenant/{cast.tenant.id}/switch/"
    assert staff.get(switch).status_code == 403
    assert staff.post(switch, to="off").status_code == 403
    for action in ("again", "cancel"):
        assert staff.post(f"/admin/jobs/job/{failed_job.id}/{action}/").status_code == 403
    catalog = Catalog.objects.first() or Catalog(id=uuid7())
    assert staff.post(f"/admin/assessments/catalog/{catalog.id}/current/").status_code == 403
    cast.tenant.refresh_from_db()
    failed_job.refresh_from_db()
    assert cast.tenant.is_active
    assert failed_job.state == JobState.FAILED


def test_staff_who_may_change_people_do_not_change_operators(cast: make.Cast) -> None:
    staff, boss = allowed_staff("view_user", "change_user"), User.objects.get(email=somebody())
    User.objects.filter(id=boss.id).update(is_staff=True, is_superuser=True)
    form = {**person_form(boss), "email": "mine@example.com"}
    assert staff.post(f"/admin/tenants/user/{boss.id}/change/", **form).status_code == 403
    person = User.objects.get(email=cast.emails["bob"])
    form = {**person_form(person), "name": "Robert"}
    assert staff.post(f"/admin/tenants/user/{person.id}/change/", **form).status_code == 302


def test_nobody_sets_the_password_of_somebody_else(operator: Browser, cast: make.Cast) -> None:
    person = User.objects.get(email=cast.emails["bob"])
    path = f"/admin/tenants/user/{person.id}/password/"
    assert operator.get(path).status_code == 404
    body: dict[str, Any] = {
        "usable_password": "true",
        "password1": "another-horse-battery-9",
        "password2": "another-horse-battery-9",
    }
    assert operator.post(path, **body).status_code == 404


def test_ones_own_password_is_changed_on_the_account_page(operator: Browser) -> None:
    assert operator.get("/admin/password_change/").url == reverse("portal:account")
    body: dict[str, Any] = {
        "old_password": make.PASSWORD,
        "new_password1": "x-horse-battery-9",
        "new_password2": "x-horse-battery-9",
    }
    assert operator.post("/admin/password_change/", **body).url == reverse("portal:account")
    assert operator.get("portal:account").status_code == 200


def test_an_address_is_kept_as_people_sign_in_with_it(operator: Browser, cast: make.Cast) -> None:
    fields: dict[str, Any] = {"usable_password": "true", "password1": make.PASSWORD, "password2": make.PASSWORD}
    email = f"Ann.{cast.emails['rita']}"
    assert operator.post("/admin/tenants/user/add/", email=email, **fields).status_code == 302
    person = User.objects.get(email=email.lower())
    page = operator.post("/admin/tenants/user/add/", email=email.upper(), **fields)
    assert "already exists" in text_of(page)
    form = {**person_form(person), "email": cast.emails["bob"].upper()}
    assert "already exists" in text_of(operator.post(f"/admin/tenants/user/{person.id}/change/", **form))


# --- jobs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def failed_job(cast: make.Cast) -> Iterator[Job]:
    job = Job.objects.create(
        tenant_id=cast.tenant.id, task="tests.none", object_id=uuid7(), state=JobState.FAILED, attempt=5, failure="X"
    )
    yield job
    Job.objects.filter(tenant_id=cast.tenant.id).delete()


def test_jobs_are_read_only(operator: Browser, failed_job: Job) -> None:
    path = f"/admin/jobs/job/{failed_job.id}/change/"
    assert operator.get(path).status_code == 200
    assert operator.post(path, state="queued").status_code == 403


def test_a_failed_job_gets_its_attempts_back_and_may_be_claimed(
    operator: Browser, failed_job: Job, cast: make.Cast
) -> None:
    assert "Try it again" in operator.get(f"/admin/jobs/job/{failed_job.id}/change/").content.decode()
    assert "queued again" in text_of(operator.post(f"/admin/jobs/job/{failed_job.id}/again/", follow=True))
    held = claim(cast.tenant.id, failed_job.id)
    assert held is not None
    assert held.attempt == 1
    assert "Job again" in trail_of(cast)


def test_a_job_that_did_not_fail_is_not_tried_again(operator: Browser, failed_job: Job) -> None:
    Job.objects.filter(id=failed_job.id).update(state=JobState.DONE)
    page = operator.post(f"/admin/jobs/job/{failed_job.id}/again/", follow=True)
    assert "Only a failed job is tried again." in text_of(page)


@pytest.mark.parametrize("task", [IMPORT_TASK, UNDO_TASK])
def test_a_failed_import_is_not_offered_again(task: str, operator: Browser, failed_job: Job) -> None:
    Job.objects.filter(id=failed_job.id).update(task=task)
    assert "Try it again" not in operator.get(f"/admin/jobs/job/{failed_job.id}/change/").content.decode()
    page = operator.post(f"/admin/jobs/job/{failed_job.id}/again/", follow=True)
    assert "Whoever asked for it has to ask anew." in text_of(page)
    assert Job.objects.get(id=failed_job.id).state == JobState.FAILED


def test_an_open_job_is_cancelled(operator: Browser, failed_job: Job, cast: make.Cast) -> None:
    Job.objects.filter(id=failed_job.id).update(state=JobState.QUEUED, attempt=0)
    operator.post(f"/admin/jobs/job/{failed_job.id}/cancel/")
    assert Job.objects.get(id=failed_job.id).state == JobState.CANCELLED
    assert claim(cast.tenant.id, failed_job.id) is None
    assert "Job cancel" in trail_of(cast)


def test_a_failed_run_is_begun_anew(operator: Browser, site: Site, cast: make.Cast) -> None:
    project, _ = enrolled(cast.alice, [machine("sql-01")])
    made = assessed(cast.alice, project, group_of_all(cast.alice, project))
    with tenant_context(cast.tenant.id):
        run = AssessmentRun.objects.get(assessment_id=made["id"])
        job = Job.objects.filter(tenant_id=cast.tenant.id, object_id=run.id).earliest("id")
    Job.objects.filter(id=job.id).update(state=JobState.FAILED)
    operator.post(f"/admin/jobs/job/{job.id}/again/")
    with tenant_context(cast.tenant.id):
        assert Assessment.objects.get(id=made["id"]).latest_run_id != run.id


def test_jobs_are_found_by_what_they_work_on_by_tenant_and_by_time(operator: Browser, failed_job: Job) -> None:
    tenant = failed_job.tenant.name
    for query in (
        f"?q={failed_job.id}",
        f"?q={failed_job.object_id}",
        f"?q={quote(tenant)}&made=1&state__exact=failed",
    ):
        assert str(failed_job.id) in text_of(operator.get("/admin/jobs/job/", query=query))
    assert str(failed_job.id) not in text_of(operator.get("/admin/jobs/job/", query="?q=nothing-like-it"))
    assert failed_job.id > first_id_at(timezone.now() - timedelta(days=1))
    assert failed_job.id < first_id_at(timezone.now() + timedelta(minutes=1))


def test_no_list_counts_its_whole_table_or_asks_for_each_row(operator: Browser, failed_job: Job) -> None:
    with CaptureQueriesContext(connection) as queries:
        operator.get("/admin/jobs/job/")
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT 10000" in sql for sql in counts)
    assert len(queries) < 15


# --- catalogs -------------------------------------------------------------------------------------------------------


def test_an_older_catalog_does_not_take_over(operator: Browser, site: Site) -> None:
    catalog = site.estate.ids["catalog"]
    page = operator.get(f"/admin/assessments/catalog/{catalog}/change/")
    assert page.status_code == 200
    assert operator.get(f"/admin/assessments/catalog/{catalog}/current/").status_code == 405
    assert operator.post(f"/admin/assessments/catalog/{catalog}/current/").status_code == 302


def test_every_page_of_the_admin_needs_an_operator(cast: make.Cast, failed_job: Job) -> None:
    owner = sign_in(cast)
    person = User.objects.get(email=cast.emails["bob"]).id
    for path in (
        f"tenants/tenant/{cast.tenant.id}/switch/",
        f"tenants/user/{person}/reset/",
        f"jobs/job/{failed_job.id}/again/",
        f"jobs/job/{failed_job.id}/cancel/",
        f"assessments/catalog/{uuid7()}/current/",
    ):
        response = owner.post(f"/admin/{path}")
        assert response.status_code in (302, 403), path
    cast.tenant.refresh_from_db()
    assert cast.tenant.is_active
    assert Job.objects.get(id=failed_job.id).state == JobState.FAILED
    assert Membership.objects.filter(tenant=cast.tenant).count() == 3
