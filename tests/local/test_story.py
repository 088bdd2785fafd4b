"""One tenant's story against the real hub, with a worker of its own."""

import threading
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import httpx
import msgspec
from rich.console import Console

from migrate_hub.local.demo.cast import Tenant
from migrate_hub.local.demo.display import Display
from migrate_hub.local.demo.estate import generate_site
from migrate_hub.local.demo.state import SiteState
from migrate_hub.local.demo.story import SiteStory
from tests import make

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
MACHINES = 4


class OneServer(httpx.HTTPTransport):
    """Sends what goes to the public address of the tests, as of downloads, to the server that runs."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.server = httpx.URL(url)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host=self.server.host, port=self.server.port)
        return super().handle_request(request)


def test_machines_are_seen_until_the_history_ends_and_a_further_run_sends_nothing(
    web: str, catalog: None, background: None, tmp_path: Path
) -> None:
    cast, state = make.cast(), SiteState(ends_at=HOUR)
    with httpx.Client(base_url=web, timeout=60, transport=OneServer(web)) as http:

        def play() -> None:
            SiteStory(
                tenant=Tenant(cast.tenant.name, cast.emails["alice"], "Berlin", "westeurope", "USD"),
                project_name="Berlin",
                make_site=lambda: generate_site(number=0, machine_count=MACHINES, ends_at=HOUR),
                state=state,
                save=lambda: None,
                access_token=str(cast.alice.token),
                http=http,
                folder=tmp_path,
                output=tmp_path,
                display=Display(Console(file=StringIO())),
                stop=threading.Event(),
            ).play()

        play()
        machines = cast.alice.ok(cast.alice.get(f"projects/{state.project}/machines/"))["results"]
        seen = [datetime.fromisoformat(machine["last_seen_at"]) for machine in machines]
        assert seen == [HOUR] * MACHINES
        assert {machine["first_seen_at"] for machine in machines} == {
            (HOUR - timedelta(days=30)).isoformat().replace("+00:00", "Z")
        }
        before = msgspec.json.encode(state), (tmp_path / "registration.json").read_bytes()
        play()
        assert (msgspec.json.encode(state), (tmp_path / "registration.json").read_bytes()) == before
