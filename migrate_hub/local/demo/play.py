"""Both tenants' stories at once, in a thread each, while the main thread watches the services and the signals."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from migrate_hub.local.demo.cast import TENANTS, open_tenant
from migrate_hub.local.demo.display import Display
from migrate_hub.local.demo.estates import Estate, RecordedEstate
from migrate_hub.local.demo.state import SiteState, StateFile
from migrate_hub.local.demo.story import Outcome, SiteStory
from migrate_hub.local.demo.trace import TraceCounts

STOPPING_SECONDS = 10
REQUEST_SECONDS = 120


@dataclass(frozen=True)
class Play:
    """One performance: where it happens, what is played, and where its notes and workbooks go."""

    url: str
    estate: Estate
    folder: Path
    output: Path
    secret_key: str
    display: Display
    check_alive: Callable[[], None]

    def run(self) -> tuple[list[Outcome], TraceCounts | None]:
        """The outcome of every tenant, in order, and what was repaired of a recording."""
        notes = StateFile(self.folder / "state.json")
        stop = threading.Event()
        with httpx.Client(base_url=self.url, timeout=REQUEST_SECONDS) as http:
            stories = [self._story(number, notes, http, stop) for number in range(len(TENANTS))]
            with self.display.bars():
                outcomes = self._run_in_threads(stories, stop)
        if isinstance(self.estate, RecordedEstate) and self.estate.counts:
            notes.state.trace_counts[self.estate.key] = self.estate.counts
            notes.save()
        return outcomes, notes.state.trace_counts.get(self.estate.key)

    def _story(self, number: int, notes: StateFile, http: httpx.Client, stop: threading.Event) -> SiteStory:
        tenant = TENANTS[number]
        known = notes.state.tenants.get(tenant.name)
        opened = open_tenant(tenant, known, http=http, secret_key=self.secret_key)
        key = f"{self.estate.key}-{number}"
        state = notes.state.sites.setdefault(key, SiteState(ends_at=self._now_on_grid()))
        notes.state.tenants[tenant.name] = opened
        notes.save()
        return SiteStory(
            tenant=tenant,
            project_name=self.estate.title(number, tenant.city),
            make_site=lambda: self.estate.site(number, state.ends_at),
            state=state,
            save=notes.save,
            access_token=opened.access_token,
            http=http,
            folder=self.folder / "appliances" / key,
            output=self.output,
            display=self.display,
            stop=stop,
        )

    def _now_on_grid(self) -> datetime:
        seconds = int(datetime.now(UTC).timestamp())
        return datetime.fromtimestamp(seconds - seconds % self.estate.interval_seconds, UTC)

    def _run_in_threads(self, stories: Sequence[SiteStory], stop: threading.Event) -> list[Outcome]:
        with _threads(len(stories), stop) as pool:
            running = [pool.submit(story.play) for story in stories]
            while not _is_over(running):
                self.check_alive()
            return [future.result() for future in running]


def _is_over(running: Sequence[Future[Outcome]]) -> bool:
    """Waits a moment, then says whether all are done; raises what the first to fail raised."""
    done, waiting = wait(running, timeout=0.5, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()
    return not waiting


@contextmanager
def _threads(count: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """A pool whose threads are asked to stop, and awaited, when the block is left in any way."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="story")
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
