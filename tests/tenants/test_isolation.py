"""Row-level security holds under the role that the application really uses."""

import pytest
from django.db import ProgrammingError, connection, transaction

from migrate_hub.tenants.context import NoTenantError
from migrate_hub.tenants.models import Project
from migrate_hub.tenants.row_level_security import (
    TABLES_READ_BEFORE_A_TENANT_IS_KNOWN,
    TenantNestingError,
    isolation_faults,
    tenant_context,
)
from migrate_hub.tenants.startup import refuse_unsafe_database
from tests import make


def test_the_tests_connect_as_a_role_that_row_level_security_binds() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)
    assert isolation_faults() == []


def test_the_check_before_the_start_keeps_no_connection() -> None:
    connection.ensure_connection()
    refuse_unsafe_database()
    assert connection.connection is None


def test_raw_sql_without_a_tenant_sees_nothing() -> None:
    make.project(make.cast().alice)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_project")
        assert cursor.fetchone() == (0,)


def test_raw_sql_inside_a_tenant_sees_only_its_rows() -> None:
    ours, theirs = make.cast(), make.cast()
    mine = make.project(ours.alice)
    make.project(theirs.alice)
    with tenant_context(ours.tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tenants_project")
        assert [str(row[0]) for row in cursor.fetchall()] == [mine]


def test_a_row_of_another_tenant_cannot_be_written() -> None:
    ours, theirs = make.cast(), make.cast()
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_context(ours.tenant.id):
        Project(tenant_id=theirs.tenant.id, name="x", target_region="westeurope").save(force_insert=True)


def test_the_setting_ends_with_its_transaction() -> None:
    ours = make.cast()
    make.project(ours.alice)
    with tenant_context(ours.tenant.id):
        pass
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_project")
        assert cursor.fetchone() == (0,)


def test_the_orm_outside_of_a_tenant_raises_instead_of_showing_nothing() -> None:
    with pytest.raises(NoTenantError):
        Project.objects.count()


def test_one_tenant_cannot_be_entered_inside_another() -> None:
    ours, theirs = make.cast(), make.cast()
    with pytest.raises(TenantNestingError), tenant_context(ours.tenant.id), tenant_context(theirs.tenant.id):
        pass


def test_the_audit_trail_cannot_be_changed_or_deleted() -> None:
    ours = make.cast()
    for change in ("UPDATE tenants_auditevent SET action = 'x'", "DELETE FROM tenants_auditevent"):
        with pytest.raises(ProgrammingError, match="permission denied"), tenant_context(ours.tenant.id):
            connection.cursor().execute(change)


def test_the_runtime_role_can_neither_unlock_nor_truncate_a_table() -> None:
    for statement in ("ALTER TABLE tenants_project DISABLE ROW LEVEL SECURITY", "TRUNCATE tenants_project CASCADE"):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_only_the_named_tables_are_read_before_a_tenant_is_known() -> None:
    named = {"tenants_membership", "tenants_token", "tenants_invitation", "jobs_job", "oidc_domainroute"}
    assert named == TABLES_READ_BEFORE_A_TENANT_IS_KNOWN
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relforcerowsecurity
            """
        )
        assert {row[0] for row in cursor.fetchall()} == TABLES_READ_BEFORE_A_TENANT_IS_KNOWN


def test_the_runtime_role_reads_no_partition_directly() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.oid::regclass::text FROM pg_class c
            WHERE c.relispartition AND c.relkind = 'r'
              AND has_table_privilege(current_user, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
            """
        )
        assert cursor.fetchall() == []


def test_a_foreign_key_cannot_point_at_another_tenants_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, conname FROM pg_constraint c
            WHERE contype = 'f' AND array_length(conkey, 1) = 1
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.confrelid AND a.attname = 'tenant_id')
              AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attname = 'tenant_id')
            """
        )
        assert cursor.fetchall() == []
