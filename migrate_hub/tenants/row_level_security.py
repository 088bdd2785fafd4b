"""Row-level security: entering a tenant, the migration operation that locks a table, and the checks that it is locked.

The policy calls a STABLE function of a setting that is local to the transaction, so it is right behind a transaction
pooler and fails closed: no setting, no rows. IMMUTABLE would return another tenant's rows from a cached plan.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps.registry import Apps
from django.db import connection, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from migrate_hub.tenants.context import current_tenant

# Tables that carry a tenant but are read before a tenant is known: ids, hashes, roles, states and leases only.
TABLES_READ_BEFORE_A_TENANT_IS_KNOWN = frozenset(
    {"tenants_membership", "tenants_token", "tenants_invitation", "jobs_job", "oidc_domainroute"}
)

CREATE_TENANT_FUNCTION = """
CREATE FUNCTION app_tenant() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT NULLIF(current_setting('app.tenant_id', true), '')::bigint $$
"""


class TenantNestingError(RuntimeError):
    """One tenant's context was entered inside another's: a committed savepoint would keep the inner tenant."""


def set_tenant(tenant_id: int) -> None:
    """Sets the tenant for the transaction that is open; the setting ends with it."""
    if not connection.in_atomic_block:
        raise RuntimeError("set_tenant needs an open transaction")
    outer = current_tenant.get()
    if outer is not None and outer != tenant_id:
        raise TenantNestingError(f"tenant {tenant_id} entered inside tenant {outer}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant_id)])
    current_tenant.set(tenant_id)


@contextmanager
def tenant_context(tenant_id: int, *, snapshot: bool = False) -> Iterator[None]:
    """A transaction in which exactly this tenant's rows are seen and written.

    With `snapshot` all its statements see what was committed when it began (REPEATABLE READ); such a transaction reads
    only, and is no part of another one.
    """
    token = current_tenant.set(current_tenant.get())
    try:
        with transaction.atomic(durable=snapshot):
            if snapshot:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            set_tenant(tenant_id)
            yield
    finally:
        current_tenant.reset(token)


@contextmanager
def tenant_slot() -> Iterator[None]:
    """Room for a tenant that becomes known inside (after authentication): whatever is entered is left at the end."""
    token = current_tenant.set(None)
    try:
        yield
    finally:
        current_tenant.reset(token)


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]  # generic only in the stubs
    """A relation between two rows of one tenant.

    The plain constraint is left out because foreign key checks bypass row-level security; TenantTable adds the
    composite one (tenant_id, x_id) -> x (tenant_id, id).
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete, **kwargs)


ON_DELETE_SQL: dict[Any, str] = {
    models.CASCADE: "CASCADE",
    models.DO_NOTHING: "NO ACTION",
    models.PROTECT: "NO ACTION",
    models.RESTRICT: "NO ACTION",
}


def _foreign_key_sql(table: str, field: TenantForeignKey) -> str:
    target = field.related_model._meta.db_table
    column = field.column
    rule: Any = field.remote_field.on_delete
    on_delete = f"SET NULL ({column})" if rule is models.SET_NULL else ON_DELETE_SQL[rule]
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_tenant_fk FOREIGN KEY (tenant_id, {column}) "
        f"REFERENCES {target} (tenant_id, id) ON DELETE {on_delete} DEFERRABLE INITIALLY DEFERRED"
    )


def lock_table_sql(table: str) -> list[str]:
    """Row-level security on a table that has a tenant_id."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_isolation ON {table} "
        "USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))",
    ]


def _key_sql(model: type[models.Model]) -> list[str]:
    table = model._meta.db_table
    return [
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey",
        f"ALTER TABLE {table} ADD PRIMARY KEY (tenant_id, id)",
    ]


def _reference_sql(model: type[models.Model]) -> list[str]:
    fields = [field for field in model._meta.local_fields if isinstance(field, TenantForeignKey)]
    return [_foreign_key_sql(model._meta.db_table, field) for field in fields]


class TenantTable(Operation):
    """Migration operation: composite keys that start with the tenant, and row-level security.

    Tables that refer to one another are named together. append_only takes UPDATE and DELETE from the runtime role.
    """

    reduces_to_sql = True
    reversible = False

    def __init__(self, *names: str, append_only: bool = False) -> None:
        self.names = names
        self.append_only = append_only

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Django's picture of the table stays as it was."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        apps: Apps = to_state.apps
        models_ = [apps.get_model(app_label, name) for name in self.names]
        for step in (_key_sql, _reference_sql, self._lock_sql):
            for model in models_:
                for statement in step(model):
                    schema_editor.execute(statement)

    def database_backwards(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("a locked table is not unlocked; write a new migration")

    def _lock_sql(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        append_only = [f"REVOKE UPDATE, DELETE ON {table} FROM {runtime_role()}"] if self.append_only else []
        return [*lock_table_sql(table), *append_only]

    def describe(self) -> str:
        return f"Tenant keys and row-level security on {', '.join(self.names)}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, list(self.names), {"append_only": True} if self.append_only else {})


class TenantReference(Operation):
    """Migration operation: the composite foreign key of a TenantForeignKey that is added to a locked table."""

    reduces_to_sql = True
    reversible = False

    def __init__(self, model: str, field: str) -> None:
        self.model = model
        self.field = field

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Django's picture of the table stays as it was."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        field = model._meta.get_field(self.field)
        assert isinstance(field, TenantForeignKey)
        schema_editor.execute(_foreign_key_sql(model._meta.db_table, field))

    def database_backwards(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("a reference is not loosened; write a new migration")

    def describe(self) -> str:
        return f"Tenant reference {self.model}.{self.field}"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, [self.model, self.field], {})


def runtime_role() -> str:
    """The role of web and worker, as DATABASE_URL names it, quoted for SQL."""
    return connection.ops.quote_name(str(connection.settings_dict["USER"]))


UNSAFE_ROLE_QUERY = """
SELECT rolname, rolsuper, rolbypassrls,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relowner = r.oid)
FROM pg_roles r WHERE rolname = current_user
"""

UNLOCKED_TABLES_QUERY = """
SELECT c.relname FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relname = ANY(%s)
AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
    SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL))
ORDER BY c.relname
"""


def isolation_faults() -> list[str]:
    """Why this connection must not serve tenants; an empty list when it may."""
    with connection.cursor() as cursor:
        cursor.execute(UNSAFE_ROLE_QUERY)
        name, is_superuser, bypasses, owns_tables = cursor.fetchone()
        cursor.execute(UNLOCKED_TABLES_QUERY, [sorted(TABLES_READ_BEFORE_A_TENANT_IS_KNOWN)])
        unlocked = [row[0] for row in cursor.fetchall()]
    faults = [
        f"the database role {name} {what}: connect as the runtime role that `manage.py bootstrap_roles` makes"
        for what, found in (
            ("is a superuser", is_superuser),
            ("bypasses row-level security", bypasses),
            ("owns the tables", owns_tables),
        )
        if found
    ]
    return faults + [f"table {table} has a tenant_id but no forced row-level security" for table in unlocked]
