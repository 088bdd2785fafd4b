"""Every page of the portal over an estate of 35,000 machines: its time, its compressed size.

    python benchmarks/portal.py [--machines 35000] [--days 2] [--tenants 500] [--rounds 20] [--only TEXT]

Starts its own servers, worker and estate as `benchmarks/assessment.py` does, and one web process as `manage.py local`
does. One owner asks for every page in turn, over HTTP, `--rounds` times; the time is what the asker waits, "cold" the
first answer. "of a core" is the processor time of one answer, of the web process and PostgreSQL together, which other
work on the machine stretches less.
The limit beside each page is the sign-in page, which reads nothing of the estate.
"""

import argparse
import gzip
import os
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

from benchmarks.assessment import published, wait  # noqa: E402
from benchmarks.fixtures import furniture  # noqa: E402
from benchmarks.fixtures.estate import PROJECT_DIR, Installation, installation  # noqa: E402
from migrate_hub.local.processes import start_process, stop_process  # noqa: E402
from migrate_hub.local.services import WEB_MEMORY  # noqa: E402

TENANT, EMAIL, PROVIDER = "bench", "bench@example.com", "provider@example.com"
PASSWORD = "correct horse battery staple"
INVENTORY_SORTS = (
    "-name", "operating_system", "-power_state", "-cores", "memory_mb", "-storage_gb", "host", "-cluster",
    "-last_seen_at",
)  # fmt: skip
RESULT_SORTS = ("-monthly_cost", "-monthly_saving", "-cores", "monthly_cost")
LAST_ROWS = 30
MOST_MILLISECONDS, MOST_BYTES = 200, 100_000
# Those pages answer with a file, which is as large as the estate.
FILES = re.compile(r"download|errors\.csv|export|rejected\.csv|logo|template\.csv")


@dataclass(frozen=True)
class Timed:
    """One page: its first answer, the 95th percentile of the others, processor time, size as a browser receives it."""

    name: str
    cold_milliseconds: float
    p95_milliseconds: float
    core_milliseconds: float
    compressed_bytes: int

    @property
    def is_good(self) -> bool:
        return self.p95_milliseconds < MOST_MILLISECONDS and self.compressed_bytes < MOST_BYTES


@dataclass(frozen=True)
class Visitor:
    """A signed-in browser, and the processes that work for it."""

    client: httpx.Client
    web: int
    postmaster: int

    def seconds_worked(self) -> float:
        """Of a core, by the web process and by PostgreSQL since they started."""
        time.sleep(0.1)  # until the connections of what was answered have ended
        children = Path(f"/proc/{self.postmaster}/task/{self.postmaster}/children").read_text().split()
        ended = sum(_ticks(self.postmaster, 13, 14))
        alive = sum(sum(_ticks(int(process), 11, 12)) for process in children)
        return (sum(_ticks(self.web, 11, 12)) + ended + alive) / os.sysconf("SC_CLK_TCK")


def _ticks(process: int, *fields: int) -> list[int]:
    try:
        words = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:  # it has just ended, and counts as such from now on
        return []
    return [int(words[field]) for field in fields]


def postmaster() -> int:
    """The process whose children serve the connections."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return _ticks(cursor.fetchone()[0], 1)[0]


@contextmanager
def web() -> Iterator[tuple[str, int]]:
    """The URL and the process id of one web process, as `manage.py local` starts it."""
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
        yield url, process.pid
    finally:
        stop_process(process)
        log.unlink(missing_ok=True)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5).is_success
    except httpx.TransportError:
        return False


def signed_in(url: str, email: str, tenant: str) -> httpx.Client:
    """The browser of a person, in the tenant of this name."""
    from migrate_hub.tenants.models import Tenant, User

    person = User.objects.get(email=email)
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    client = httpx.Client(base_url=url, timeout=60)
    _send(client, "/sign-in/", {"email": email, "password": PASSWORD})
    _send(client, "/tenants/", {"tenant": str(Tenant.objects.get(name=tenant).public_id)})
    return client


def _send(client: httpx.Client, path: str, fields: dict[str, str]) -> None:
    """A form, as a browser sends it."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(path).text)
    assert token is not None
    headers = {"Referer": f"{client.base_url}{path}"}
    answer = client.post(path, data={**fields, "csrfmiddlewaretoken": token[1]}, headers=headers)
    if answer.status_code != 302:
        sys.exit(f"{path} answered {answer.status_code}")


def furnished(made: Installation, people: furniture.People) -> dict[str, str]:
    """Ids of one of everything by the names of the URLs' parts; `before` is the run to compare with."""
    project = people.get("projects/")["results"][0]["id"]
    file_import = furniture.imported(people, project)
    before, _ = published(made, "bench")
    assessment = str(before.assessment_id)
    run = furniture.settled(people, project, assessment)
    people.ended(f"projects/{project}/assessments/{assessment}/sensitivity/grid/", _has_percentiles)
    furniture.gridded(people, project, assessment)
    return {
        "project": project,
        "appliance": people.get(f"projects/{project}/appliances/")["results"][0]["id"],
        "file_import": file_import,
        "group": str(made.group_id),
        "assessment": assessment,
        "before": str(before.id),
        "run": run,
        "job": run,
        "machine": str(made.machine_ids[len(made.machine_ids) // 2]),
        "catalog": str(before.catalog_id),
        "signed": "forged",
        **ends_of_lists(made, run),
        **furniture.reported(people, project, assessment),
        **furniture.things_of_the_tenant(people, made.tenant_id),
    }


def ends_of_lists(made: Installation, run: str) -> dict[str, str]:
    """Places just before the end of the inventory and of the results, as pages name them."""
    from assessments.models import AssessedMachine
    from ingest.models import Machine
    from migrate_hub.tenants.keyset import write_cursor
    from migrate_hub.tenants.row_level_security import tenant_context

    with tenant_context(made.tenant_id):
        machine = Machine.objects.order_by("-name_lower", "-id")[LAST_ROWS]
        result = AssessedMachine.objects.filter(run=run).order_by("-name", "-id")[LAST_ROWS]
    return {
        "machines_end": write_cursor(machine, ("name_lower", "id")),
        "results_end": write_cursor(result, ("name", "id")),
    }


def _has_percentiles(grid: Any) -> bool:
    return bool(grid["percentiles"]["status"] == "completed")


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


def asked_pages(ids: dict[str, str]) -> dict[str, str]:
    """Paths by name of pages that are asked for with a query, each of which reads something else of the estate."""
    project = f"/projects/{ids['project']}/"
    machines, run = f"{project}machines/", f"{project}assessments/{ids['assessment']}/"
    compared = f"{run}compare/?before={ids['before']}&after={ids['run']}"
    filters = ["search=machine-01", "search=zzz", "os=windows", "power_state=off", "cluster=cluster-07"]
    filters += ["history=none", "history=some", "duplicates=only", "removed=all", f"appliance={ids['appliance']}"]
    narrowed = ("readiness=ready", "search=machine-01", "max_stars=3", "fit=oversized", "disk_type=standard_hdd")
    sliders = "percentile_step=2&comfort_factor=1.3&window_step=0"
    return {
        **{f"machines ?{query}": f"{machines}?{query}" for query in filters},
        **{f"machines ?sort={sort}": f"{machines}?sort={sort}" for sort in INVENTORY_SORTS},
        **{f"results ?{query}": f"{run}machines/?{query}" for query in narrowed},
        **{f"results ?sort={sort}": f"{run}machines/?sort={sort}" for sort in RESULT_SORTS},
        "machines, last page": f"{machines}?after={ids['machines_end']}",
        "results, last page": f"{run}machines/?after={ids['results_end']}",
        "results ?sort, filtered": f"{run}machines/?sort=-monthly_saving&fit=oversized&readiness=ready",
        "sensitivity at a position": f"{run}sensitivity/?{sliders}",
        "sensitivity-position moved": f"{run}sensitivity/position/?{sliders}",
        "compare": compared,
        "compare ?cause": f"{compared}&cause=settings&order=decrease",
        "group-preview": f"{project}groups/preview/?search=machine-0",
        "machine-chart": f"{machines}{ids['machine']}/chart/",
        "sensitivity-curves": f"{run}sensitivity/curves/",
    }


def timed(visitor: Visitor, name: str, path: str, rounds: int) -> Timed | None:
    """None for what is no page: it answers to forms only, or leads elsewhere."""
    started = time.perf_counter()
    answer = visitor.client.get(path)
    cold = time.perf_counter() - started
    if answer.status_code != 200:
        if answer.status_code >= 500:
            print(f"{name} answered {answer.status_code}")
        return None
    seconds, worked = [], visitor.seconds_worked()
    for _ in range(rounds):
        started = time.perf_counter()
        visitor.client.get(path)
        seconds.append(time.perf_counter() - started)
    return Timed(
        name=name,
        cold_milliseconds=cold * 1000,
        p95_milliseconds=statistics.quantiles(seconds, n=20)[-1] * 1000,
        core_milliseconds=(visitor.seconds_worked() - worked) / rounds * 1000,
        compressed_bytes=len(gzip.compress(answer.content)),
    )


def told(page: Timed, floor: Timed) -> str:
    ratio = page.p95_milliseconds / floor.p95_milliseconds
    return (
        f"{page.name:34} p95 {page.p95_milliseconds:7.1f} ms ({ratio:5.1f} of the sign-in page), "
        f"cold {page.cold_milliseconds:7.1f} ms, {page.core_milliseconds:6.1f} ms of a core, "
        f"{page.compressed_bytes / 1000:6.1f} kB{'' if page.is_good else '  <-- too slow or too large'}"
    )


def measure(url: str, web_pid: int, ids: dict[str, str], rounds: int, only: str) -> None:
    """Asks for every page and prints what it took, the slowest first."""
    pages, database = {**pages_of(ids), **asked_pages(ids)}, postmaster()
    with closing(signed_in(url, EMAIL, TENANT)) as client, closing(signed_in(url, PROVIDER, TENANT)) as provider:
        owner, of_many = (Visitor(one, web_pid, database) for one in (client, provider))
        asked = [(owner, *page) for page in pages.items()]
        asked += [(of_many, f"{name}, of a provider", f"/{name}/") for name in ("tenants", "tenants/part")]
        found = [timed(*page, rounds) for page in asked if only in page[1]]
        with httpx.Client(base_url=url) as stranger:
            floor = timed(Visitor(stranger, web_pid, database), "sign-in", "/sign-in/", rounds)
    assert floor is not None
    timings = sorted((each for each in found if each), key=lambda each: -each.p95_milliseconds)
    for page in timings:
        print(told(page, floor))
    bad = sum(not page.is_good for page in timings)
    print(f"{len(timings)} pages, {bad} beyond {MOST_MILLISECONDS} ms or {MOST_BYTES // 1000} kB; wanted: none")
    print(f"load: {os.getloadavg()[0]:.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=35_000)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--tenants", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="a part of the names of pages")
    arguments = parser.parse_args()
    with installation(arguments.machines, arguments.days) as made:
        furniture.provider(made, email=PROVIDER, tenants=arguments.tenants)
        with web() as (url, _):
            ids = furnished(made, furniture.People(url, made.tenant_id))
        with web() as (url, pid):
            measure(url, pid, ids, arguments.rounds, arguments.only)


if __name__ == "__main__":
    main()
