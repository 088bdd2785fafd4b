"""The audit trail as owners search it: by person, kind of action and day, on the page and over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrate_hub.tenants.models import AuditEvent, User, uuid7
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.portal.browsing import sign_in

TODAY = datetime.now(UTC).date()


@pytest.fixture
def cast(database: None) -> make.Cast:
    made = make.cast()
    make.project(made.alice, name="of alice")
    make.project(made.bob, name="of bob")
    return made


def events(cast: make.Cast, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = cast.alice.ok(cast.alice.get(f"audit/{query}"))["results"]
    return rows


def test_events_are_found_by_person_action_and_day(cast: make.Cast) -> None:
    bob = str(User.objects.get(email=cast.emails["bob"]).id)
    assert {event["user_id"] for event in events(cast, f"?user={bob}")} == {bob}
    assert {event["action"] for event in events(cast, "?action=project")} == {"project.create"}
    assert len(events(cast, f"?action=project.create&user={bob}&since={TODAY}")) == 1
    assert events(cast, f"?until={TODAY - timedelta(days=2)}") == []
    assert events(cast, f"?since={TODAY + timedelta(days=2)}") == []
    assert events(cast, "?until=9999-12-31&action=proj") == []


@pytest.mark.parametrize("query", ["user=nobody", "since=tomorrow", "until=2026-13-01"])
def test_what_cannot_be_looked_for_is_refused(cast: make.Cast, query: str) -> None:
    assert cast.alice.get(f"audit/?{query}").status_code == 400
    assert "This cannot be looked for" in sign_in(cast, "alice").see("portal:audit", query=f"?{query}")


def test_the_page_shows_what_was_looked_for_and_names(cast: make.Cast) -> None:
    bob = str(User.objects.get(email=cast.emails["bob"]).id)
    alice = sign_in(cast, "alice")
    seen = alice.see("portal:audit", query=f"?user={bob}&action=project&since={TODAY}")
    assert "of bob" in seen
    assert "of alice" not in seen
    members = alice.see("portal:audit", query="?action=member")
    assert members.count(cast.emails["rita"]) >= 2


def test_pages_take_as_many_queries_for_many_entries_as_for_few_and_keep_the_filter(cast: make.Cast) -> None:
    alice, counts = sign_in(cast, "alice"), []
    bob = User.objects.get(email=cast.emails["bob"]).id
    for more in (3, 60):
        with tenant_context(cast.tenant.id):
            AuditEvent.objects.bulk_create(
                AuditEvent.new(action="project.change", object_type="project", object_id=uuid7(), user_id=bob)
                for _ in range(more)
            )
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = alice.get("portal:audit", query="?action=project")
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "?action=project&amp;after=" in page.content.decode()
