"""`manage.py bootstrap_roles [--run-as URL]`: the SQL of the two roles and the database."""

from typing import Any
from urllib.parse import unquote

import environ
import psycopg2
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from migrate_hub.local.roles import database_sql, role_sql, schema_sql


class Command(BaseCommand):
    help = "Prints the SQL that makes the owner and the runtime role that the settings name, or runs it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--run-as", metavar="URL", help="Run it, connected as this administrator of the server.")

    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in settings.DATABASES:
            raise CommandError("Set DATABASE_OWNER_URL: the role that owns the tables.")
        owner, runtime = settings.DATABASES["owner"], settings.DATABASES["default"]
        roles = role_sql(owner["USER"], owner["PASSWORD"]) + role_sql(runtime["USER"], runtime["PASSWORD"])
        names = {"owner": owner["USER"], "runtime": runtime["USER"]}
        database, schema = database_sql(runtime["NAME"], **names), schema_sql(**names)
        if options["run_as"]:
            self._run(options["run_as"], runtime["NAME"], roles, database, schema)
            return
        for statement in [*roles, *database, f"\\connect {runtime['NAME']}", *schema]:
            self.stdout.write(statement if statement.startswith("\\") else statement + ";")

    def _run(self, url: str, name: str, roles: list[str], database: list[str], schema: list[str]) -> None:
        config = environ.Env.db_url_config(url)
        self._execute(config, config["NAME"], roles)
        if not self._exists(config, name):
            self._execute(config, config["NAME"], database)
        self._execute(config, name, schema)
        self.stdout.write(f"roles and database {name} are ready; now run `manage.py migrate --database owner`")

    def _connect(self, config: dict[str, Any], name: str) -> Any:
        connection = psycopg2.connect(
            host=unquote(config["HOST"]),
            port=config["PORT"] or None,
            user=config["USER"],
            password=config["PASSWORD"],
            dbname=name,
        )
        connection.autocommit = True
        return connection

    def _execute(self, config: dict[str, Any], name: str, statements: list[str]) -> None:
        connection = self._connect(config, name)
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        connection.close()

    def _exists(self, config: dict[str, Any], name: str) -> bool:
        connection = self._connect(config, config["NAME"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            found = cursor.fetchone() is not None
        connection.close()
        return found
