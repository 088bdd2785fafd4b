"""A person's tenants: a provider sees how each customer is, finds one by name, opens it and comes back."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ingest.models import Appliance as ApplianceRow
from migrate_hub.tenants.models import Role, Tenant
from migrate_hub.tenants.people import add_member, create_tenant
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.estate import Appliance, enrolled, machine
from tests.portal.browsing import Browser, somebody


class Provider:
    """Pat, who reads for several customers."""

    def __init__(self) -> None:
        self.email = somebody()
        self.mark = uuid4().hex[:8]
        self.browser = Browser(self.email)

    def customer(self, name: str) -> Tenant:
        tenant, _ = create_tenant(name=f"{name} {self.mark}", owner_email=f"owner-{uuid4().hex}@example.com")
        return self.serves(tenant)

    def serves(self, tenant: Tenant) -> Tenant:
        with tenant_context(tenant.id):
            add_member(tenant=tenant, email=self.email, role=Role.READER)
        return tenant

    def rows(self, query: str = "") -> list[str]:
        """What stands in each row of the finished list."""
        for _ in range(200):
            html = self.browser.get("portal:tenants-part", query=query).content.decode()
            if "hx-trigger" not in html:
                found = re.findall(r"<tr>(.*?)</tr>", html.partition("<tbody>")[2], flags=re.DOTALL)
                return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]
        pytest.fail("the list never came to an end")


@pytest.fixture
def pat() -> Provider:
    return Provider()


def make_silent(tenant: Tenant, appliance: Appliance) -> None:
    with tenant_context(tenant.id):
        ApplianceRow.objects.filter(id=appliance.id).update(last_seen_at=timezone.now() - timedelta(days=2))


def test_each_customer_shows_its_machines_and_appliances(pat: Provider) -> None:
    cast = make.cast()
    pat.serves(cast.tenant)
    enrolled(cast.alice, [machine("sql-01"), machine("web-01")])
    (row,) = (row for row in pat.rows() if cast.tenant.name in row)
    assert "nothing 2 1 well none 0 just now" in row


@pytest.mark.parametrize("gate", ["second_factor_required", "company_sign_in_required"])
def test_nothing_is_told_of_a_customer_that_this_session_may_not_open(gate: str, pat: Provider) -> None:
    cast = make.cast()
    pat.serves(cast.tenant)
    enrolled(cast.alice, [machine("sql-01"), machine("web-01")])
    assert any("1 well" in row for row in pat.rows() if cast.tenant.name in row)  # and is kept for a minute
    Tenant.objects.filter(id=cast.tenant.id).update(**{gate: True})
    (row,) = (row for row in pat.rows() if cast.tenant.name in row)
    assert "1 well" not in row
    assert "sign in there first" in row


def test_what_is_broken_stands_first(pat: Provider) -> None:
    cast = make.cast()
    pat.customer("aaa first by name")
    pat.serves(cast.tenant)
    _, appliance = enrolled(cast.alice, [machine("sql-01")])
    make_silent(cast.tenant, appliance)
    rows = pat.rows()
    assert cast.tenant.name in rows[0]
    assert "broken" in rows[0]
    assert "1 silent" in rows[0]
    assert "aaa first by name" in pat.rows("?sort=name")[0]


def test_a_customer_is_found_by_a_part_of_its_name(pat: Provider) -> None:
    pat.customer("Harbor")
    pat.customer("Meadow")
    assert [row.split()[0] for row in pat.rows("?q=ARBO")] == ["Harbor"]
    assert "No customer has this in its name" in pat.browser.see("portal:tenants", query="?q=nothing-like-it")


def test_a_click_opens_a_customer_and_the_page_leads_back(pat: Provider) -> None:
    tenant = pat.customer("Harbor")
    opened = pat.browser.post("portal:tenants", tenant=tenant.public_id, follow=True)
    assert tenant.name in opened.content.decode()
    page = pat.browser.see("portal:tenants")
    assert "open now" in page
    assert "Back to the open tenant" in page


def test_nobody_sees_a_customer_of_somebody_else(pat: Provider) -> None:
    theirs = Provider().customer("Meadow")
    pat.customer("Harbor")
    assert [row for row in pat.rows() if "Meadow" in row] == []
    assert pat.browser.post("portal:tenants", tenant=theirs.public_id).status_code == 404


def test_a_tenant_that_is_switched_off_is_not_listed(pat: Provider) -> None:
    for name in ("Harbor", "Meadow"):
        tenant = pat.customer(name)
    Tenant.objects.filter(id=tenant.id).update(is_active=False)
    assert [row for row in pat.rows() if "Meadow" in row] == []


def queries_of(pat: Provider) -> int:
    pat.rows()  # everything was looked at within the last minute
    with CaptureQueriesContext(
        connection,
    ) as queries:
        pat.browser.get("portal:tenants-part")
    return len(queries)


def test_a_list_that_is_known_takes_the_same_queries_however_long_it_is(pat: Provider) -> None:
    for name in ("Harbor", "Meadow", "Orchard"):
        pat.customer(name)
    few = queries_of(pat)
    for number in range(57):
        pat.customer(f"customer {number}")
    assert queries_of(pat) == few


def test_a_glance_is_kept_for_a_minute(pat: Provider) -> None:
    cast = make.cast()
    pat.serves(cast.tenant)
    pat.rows()
    enrolled(cast.alice, [machine("sql-01")])
    assert "1 well" not in str(pat.rows())
    cache.clear()
    assert "1 well" in str(pat.rows())


def test_long_lists_come_in_pages(pat: Provider) -> None:
    for number in range(52):
        pat.customer(f"customer {number:02}")
    assert len(pat.rows("?sort=name")) == 50
    assert len(pat.rows("?sort=name&page=2")) == 3  # pat's own tenant is one of them


@pytest.mark.parametrize(
    "query",
    [
        "?page=0",
        "?page=-1",
        "?page=99999",
        "?page=x",
        "?sort=x",
        "?since=x",
        "?since=9999999999",
        "?since=0",
        "?q=%00",
        "?q=%25_",
    ],
)
def test_odd_addresses_show_the_list(query: str, pat: Provider) -> None:
    pat.customer("Harbor")
    assert pat.browser.get("portal:tenants", query=query).status_code == 200


def test_the_api_shows_a_tenant_at_one_glance() -> None:
    cast = make.cast()
    enrolled(cast.alice, [machine("sql-01")])
    seen: dict[str, Any] = cast.rita.ok(cast.rita.get("overview/"))
    assert (seen["machines"], seen["appliances"]["ok"], seen["attention"]) == (1, 1, "none")
