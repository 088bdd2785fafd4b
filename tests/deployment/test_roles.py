"""The roles of the database, made by an administrator who is no superuser, as managed servers have it."""

from tests.conftest import Servers
from tests.deployment.conftest import Installation

ADMINISTRATOR = "CREATE ROLE managed_admin LOGIN CREATEROLE CREATEDB NOSUPERUSER PASSWORD 'a1b2c3'"


def test_an_administrator_without_superuser_rights_prepares_an_installation(
    installation: Installation, servers: Servers
) -> None:
    servers.postgres.run_sql("postgres", [ADMINISTRATOR])
    url = servers.postgres.data_dir.database_url
    environment = {
        "SUPERUSER_URL": url("managed_admin", "a1b2c3", "postgres"),
        "DATABASE_URL": url("managed_runtime", "a1b2c3", "managed"),
        "DATABASE_OWNER_URL": url("managed_owner", "a1b2c3", "managed"),
    }
    for command in (
        ("manage.py", "bootstrap_roles", "--run-as", environment["SUPERUSER_URL"]),
        ("manage.py", "migrate", "--database", "owner"),
        ("-c", "import migrate_hub.asgi"),  # refuses roles and tables that are not safe
    ):
        done = installation.run("python", *command, **environment)
        assert done.returncode == 0, done.stderr
