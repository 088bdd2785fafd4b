"""The operators' admin: who gets in, what is there, and that nothing of a tenant's data is."""

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin

from migrate_hub.jobs.models import Job
from migrate_hub.tenants.models import Membership, Tenant, TenantModel, User
from tests import make
from tests.portal.browsing import Browser, somebody, text_of
from tests.portal.conftest import Site


@pytest.fixture(scope="module")
def operator() -> Browser:
    email = somebody()
    User.objects.filter(email=email).update(is_staff=True, is_superuser=True)
    return Browser(email)


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


def test_operators_see_tenants_people_jobs_and_catalogs(operator: Browser, site: Site) -> None:
    name = site.estate.cast.tenant.name
    assert name in text_of(operator.get("/admin/tenants/tenant/", query=f"?q={quote(name)}"))
    assert name not in text_of(operator.get("/admin/tenants/tenant/", query="?q=nobody"))
    for path in ("/admin/", "/admin/tenants/user/", "/admin/jobs/job/", "/admin/assessments/catalog/"):
        assert operator.get(path).status_code == 200


def test_a_tenant_is_switched_off_but_neither_made_nor_deleted(operator: Browser) -> None:
    tenant = Tenant.objects.get(memberships__user__email=somebody())
    path = f"/admin/tenants/tenant/{tenant.id}/change/"
    page = operator.get(path)
    assert Membership.objects.get(tenant=tenant).user.email in text_of(page)
    fields: dict[str, Any] = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0, "name": tenant.name}
    assert operator.post(path, **fields).status_code == 302
    tenant.refresh_from_db()
    assert not tenant.is_active
    assert operator.get("/admin/tenants/tenant/add/").status_code == 403
    assert operator.post(f"/admin/tenants/tenant/{tenant.id}/delete/", post="yes").status_code == 403


def test_jobs_are_read_only(operator: Browser, site: Site) -> None:
    job = Job.objects.filter(tenant=site.estate.cast.tenant).first()
    assert job is not None
    path = f"/admin/jobs/job/{job.id}/change/"
    assert operator.get(path).status_code == 200
    assert operator.post(path, state="queued").status_code == 403


def test_an_operator_gives_a_new_person_a_password(operator: Browser) -> None:
    cast = make.cast()
    fields: dict[str, Any] = {"usable_password": "true", "password1": make.PASSWORD, "password2": make.PASSWORD}
    email = f"new-{cast.emails['rita']}"
    assert operator.post("/admin/tenants/user/add/", email=email, **fields).status_code == 302
    cast.alice.ok(cast.alice.post("members/", {"email": email, "role": "reader"}), 201)
    assert Browser(email).get("portal:home").status_code == 200
