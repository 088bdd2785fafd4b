"""An installation to break, its owner's side of the API, and its rows as the runtime role sees them."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg2

from tests.conftest import wait_until
from tests.recovery.installation import Installation

IS_LONG = os.environ.get("TORTURE") == "long"


def times(short: int, long: int) -> int:
    """How often a scenario breaks things: in the short form that CI runs, and in the long one."""
    return long if IS_LONG else short


@dataclass(frozen=True)
class Prepared:
    """The data folder of a stopped installation, and the token of the one tenant's owner."""

    folder: Path
    token: str


class Hub(Installation):
    """A running installation with one tenant and one project."""

    def __init__(self, prepared: Prepared, **environment: str) -> None:
        super().__init__(prepared.folder, **environment)
        self.people = self.client(prepared.token)
        self.project = ""

    def make_project(self) -> None:
        body = {"name": "torture", "target_region": "westeurope", "currency": "USD"}
        self.project = self.ok(self.people.post("projects/", json=body))["id"]

    @staticmethod
    def ok(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.status_code}: {response.text[:500]}"
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        """The answer to what a person sends to a path below the project."""
        return self.ok(self.people.post(f"projects/{self.project}/{path}", json=body))

    def get(self, path: str) -> Any:
        return self.ok(self.people.get(f"projects/{self.project}/{path}"))

    def machine_ids(self) -> dict[str, str]:
        """The id of each machine by its source id."""
        url = f"projects/{self.project}/machines/?removed=all&page_size=1000"
        found: dict[str, str] = {}
        while url:
            page = self.ok(self.people.get(url))
            found |= {row["source_id"]: row["id"] for row in page["results"]}
            url = page["next"]
        return found

    def rows(self, *queries: str) -> list[list[tuple[Any, ...]]]:
        """The rows of several queries at one instant, as the runtime role inside the tenant."""
        connection = wait_until(self._connect, what="a connection to PostgreSQL")
        try:
            connection.set_session(isolation_level="REPEATABLE READ")
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('app.tenant_id', (SELECT min(id) FROM tenants_tenant)::text, true)")
                return [_all(cursor, query) for query in queries]
        finally:
            connection.close()

    def _connect(self) -> Any:
        """A connection as the runtime role; None while the server starts or recovers."""
        try:
            return psycopg2.connect(self.environment["DATABASE_URL"])
        except psycopg2.OperationalError:
            return None

    def backends(self) -> list[int]:
        """The process ids of the server's sessions that are at work for the web process."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'migrate_hub' AND state <> 'idle'"
        return [process_id for (process_id,) in self.rows(query)[0]]

    def web_memory_mib(self) -> float:
        """The most memory that the web process ever held."""
        lines = Path(f"/proc/{self.processes['web'].pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _all(cursor: Any, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


@contextmanager
def running_hub(prepared: Prepared, **environment: str) -> Iterator[Hub]:
    """A copy of the prepared installation: servers and web are up, everything is stopped at the end."""
    made = Hub(prepared, **environment)
    with ExitStack() as stack:
        stack.callback(made.stop)
        made.postgres.start()
        made.redis.start()
        made.start_web()
        made.make_project()
        yield made
