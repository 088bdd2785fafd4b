"""Every page of the portal over an estate of 35,000 machines: its time, its compressed size.

    python benchmarks/portal.py [--machines 35000] [--days 2] [--rounds 20]

Starts its own servers, worker and estate as `benchmarks/assessment.py` does, and one web process as `manage.py local`
does. One owner asks for every page in turn, over HTTP, `--rounds` times; the time is what the asker waits. The limit
beside each page is the sign-in page, which reads nothing of the estate.
"""

import argparse
import gzip
import re
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # this folder has a module named as one of our packages

from benchmarks.assessment import percentiles_seconds, published, wait  # noqa: E402
from benchmarks.fixtures.estate import PROJECT_DIR, Installation, installation  # noqa: E402
from migrate_hub.local.processes import start_process, stop_process  # noqa: E402
from migrate_hub.local.services import WEB_MEMORY  # noqa: E402

EMAIL, PASSWORD = "bench@example.com", "correct horse battery staple"
MOST_MILLISECONDS, MOST_BYTES = 200, 100_000
# Those pages answer with a file, which is as large as the estate.
FILES = re.compile(r"download|errors\.csv|export|rejected\.csv|logo|template\.csv")


@dataclass(frozen=True)
class Timed:
    """One page: the 95th percentile of its time, its size as a browser receives it."""

    name: str
    p95_milliseconds: float
    compressed_bytes: int

    @property
    def is_good(self) -> bool:
        return self.p95_milliseconds < MOST_MILLISECONDS and self.compressed_bytes < MOST_BYTES


@contextmanager
def web() -> Iterator[str]:
    """One web process, as `manage.py local` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "migrate_hub.asgi:application", "--port", str(port)]
    command += ["--no-access-log", "--lifespan", "off", "--http", "migrate_hub.connections:LimitedConnection"]
    log = Path(tempfile.gettempdir()) / f"mh-bench-web-{port}.log"
    process = start_process([*command, "--app-dir", str(PROJECT_DIR)], log=log, environment=WEB_MEMORY)
    try:
        url = f"http://127.0.0.1:{port}"
        wait(lambda: _answers(url), "the start of the web process", seconds=60)
        yield url
    finally:
        stop_process(process)
        log.unlink(missing_ok=True)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).is_success
    except httpx.TransportError:
        return False


def signed_in(url: str) -> httpx.Client:
    """The owner's browser."""
    from migrate_hub.tenants.models import User

    owner = User.objects.get(email=EMAIL)
    owner.set_password(PASSWORD)
    owner.save(update_fields=["password"])
    client = httpx.Client(base_url=url, timeout=60)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/sign-in/").text)
    assert token is not None
    fields = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    answer = client.post("/sign-in/", data=fields, headers={"Referer": f"{url}/sign-in/"})
    if answer.status_code != 302:
        sys.exit(f"signing in answered {answer.status_code}")
    return client


def ids_of(made: Installation, run: Any) -> dict[str, str]:
    """Ids of what is there, by the names of the URLs' parts."""
    from ingest.models import Appliance
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(made.tenant_id):
        appliance = Appliance.objects.get()
        return {
            "project": str(appliance.project_id),
            "appliance": str(appliance.id),
            "group": str(made.group_id),
            "assessment": str(run.assessment_id),
            "run": str(run.id),
            "machine": str(made.machine_ids[len(made.machine_ids) // 2]),
            "catalog": str(run.catalog_id),
        }


def pages_of(ids: dict[str, str]) -> dict[str, str]:
    """Paths by name; pages of what this estate has none of are left out, and said."""
    from django.urls import URLPattern

    from migrate_hub.portal.urls import urlpatterns

    pages = {}
    for pattern in urlpatterns:
        if not isinstance(pattern, URLPattern) or FILES.search(str(pattern.pattern)):
            continue
        route = str(pattern.pattern)
        missing = set(re.findall(r"<str:(\w+)>", route)) - set(ids)
        if not missing:
            pages[str(pattern.name)] = "/" + re.sub(r"<str:(\w+)>", lambda part: ids[part[1]], route)
        else:
            print(f"left out: {pattern.name}, this estate has no {', '.join(sorted(missing))}")
    return pages


def timed(client: httpx.Client, name: str, path: str, rounds: int) -> Timed | None:
    """None for what is no page: it answers to forms only, or leads elsewhere."""
    answer = client.get(path)
    if answer.status_code != 200:
        if answer.status_code >= 500:
            sys.exit(f"{name} answered {answer.status_code}")
        return None
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        client.get(path)
        seconds.append(time.perf_counter() - started)
    p95 = statistics.quantiles(seconds, n=20)[-1] * 1000
    return Timed(name=name, p95_milliseconds=p95, compressed_bytes=len(gzip.compress(answer.content)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=35_000)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with installation(arguments.machines, arguments.days) as made:
        run, _ = published(made, "bench")
        percentiles_seconds(made, run)
        with web() as url, closing(signed_in(url)) as client:
            pages = pages_of(ids_of(made, run))
            found = [each for each in (timed(client, *page, arguments.rounds) for page in pages.items()) if each]
            with httpx.Client(base_url=url) as stranger:
                floor = timed(stranger, "sign-in", "/sign-in/", arguments.rounds)
    assert floor is not None
    for page in sorted(found, key=lambda each: -each.p95_milliseconds):
        ratio = page.p95_milliseconds / floor.p95_milliseconds
        mark = "" if page.is_good else "  <-- too slow or too large"
        print(f"{page.name:30} p95 {page.p95_milliseconds:7.1f} ms ({ratio:5.1f} of the sign-in page), "
              f"{page.compressed_bytes / 1000:6.1f} kB{mark}")  # fmt: skip
    bad = sum(not page.is_good for page in found)
    print(f"{len(found)} pages, {bad} beyond {MOST_MILLISECONDS} ms or {MOST_BYTES // 1000} kB; wanted: none")


if __name__ == "__main__":
    main()
