"""Files go when their time is over, a bounded number an hour, and next to nothing is asked of tenants without any."""

import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from migrate_hub.files import storage
from migrate_hub.files.models import FileChunk, StoredFile
from migrate_hub.files.storage import delete_expired_files, store_file
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make


def stored(tenant: Tenant, *, expired: int, current: int) -> None:
    """So many files of a tenant, past their time and within it."""
    now = timezone.now()
    with tenant_context(tenant.id):
        for number in range(expired + current):
            expires_at = now + timedelta(hours=1) * (1 if number >= expired else -number - 1)
            store_file(io.BytesIO(b"x"), name=f"{number}", content_type="text/plain", expires_at=expires_at)


def names_of(tenant: Tenant) -> set[str]:
    with tenant_context(tenant.id):
        assert FileChunk.objects.count() == StoredFile.objects.count()
        return set(StoredFile.objects.values_list("name", flat=True))


def test_files_past_their_time_go_with_their_bytes_and_the_others_stay() -> None:
    tenant = make.cast().tenant
    stored(tenant, expired=2, current=1)
    delete_expired_files()
    assert names_of(tenant) == {"2"}


def test_one_tenants_many_files_go_over_several_hours_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "FILES_A_BATCH", 2)
    monkeypatch.setattr(storage, "BATCHES_AN_HOUR", 2)
    tenant = make.cast().tenant
    stored(tenant, expired=5, current=0)
    delete_expired_files()
    assert names_of(tenant) == {"0"}
    delete_expired_files()
    assert names_of(tenant) == set()


def test_a_tenant_without_expired_files_costs_one_look() -> None:
    delete_expired_files()
    with CaptureQueriesContext(connection) as before:
        delete_expired_files()
    make.cast()
    with CaptureQueriesContext(connection) as after:
        delete_expired_files()
    # The transaction, the tenant, the look.
    assert len(after) - len(before) <= 4
