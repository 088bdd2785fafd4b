"""Fetching an answer of many pages, politely and so that nothing is fetched twice.

One page is in flight. A server that is busy, failing or slow is asked again after a pause that doubles, or after the
pause it asks for. Every page is kept in a folder (the spool) before the next one is asked for, so a sync that was
killed goes on behind the last page it has. Links to the next page are followed only on the host that was named.
"""

import fcntl
import gzip
import hashlib
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

BUSY = {408, 425, 429, 500, 502, 503, 504}
MAX_PAGE_BYTES = 256 * 1024 * 1024
MAX_PAGES = 20_000
MAX_PAUSE_SECONDS = 60.0
# Prices change; pages of two days make a catalog of neither.
SPOOL_LIFETIME = timedelta(hours=24)
DEFAULT_PORTS = {"http": 80, "https": 443}


class FetchError(Exception):
    """Why pages could not be fetched; the ones before are kept."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a page, and between attempts: the pause doubles up to a minute."""

    timeout_seconds: float = 30
    first_pause_seconds: float = 1
    attempts: int = 8
    longest_retry_after_seconds: float = 600
    longest_page_seconds: float = 600


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What a page of either API must have to be one."""

    Items: list[msgspec.Raw] | None = None
    NextPageLink: str | None = None
    value: list[msgspec.Raw] | None = None
    next_link: str | None = msgspec.field(default=None, name="nextLink")


def next_link(body: bytes) -> str | None:
    """The link to the page behind this one. Raises ValueError when the body is no whole page."""
    page = msgspec.json.decode(str(body, "utf-8"), type=_Envelope)
    if page.Items is None and page.value is None:
        raise ValueError("neither Items nor value in the answer")
    return page.NextPageLink or page.next_link or None


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: the API names its own default port in links (https://prices.azure.com:443/...)."""
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme)


class Spool:
    """The pages of one sync, each a gzip file; what a kill left half written is not there."""

    def __init__(self, folder: Path, started_at: datetime) -> None:
        self.folder = folder
        self.started_at = started_at

    def read(self, name: str, number: int) -> bytes | None:
        """A page, or None where it is missing or damaged."""
        try:
            body = gzip.decompress(self._path(name, number).read_bytes())
            next_link(body)
        except (OSError, EOFError, ValueError, zlib.error, msgspec.MsgspecError):
            return None
        return body

    def write(self, name: str, number: int, body: bytes) -> None:
        path = self._path(name, number)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(gzip.compress(body, compresslevel=3))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def _path(self, name: str, number: int) -> Path:
        return self.folder / f"{name}-{number:06d}.json.gz"


def default_spool_root() -> Path:
    """A folder of this user's own."""
    return Path(tempfile.gettempdir()) / f"migrate-hub-catalog-sync-{os.getuid()}"


@contextmanager
def open_spool(root: Path, asked: Sequence[str], *, now: datetime, fresh: bool) -> Iterator[Spool]:
    """The spool of what is asked for, begun now or less than a day ago; FetchError while another sync has it.

    `fresh` forgets the pages that are there.
    """
    folder = root / hashlib.sha256("\n".join(asked).encode()).hexdigest()[:16]
    _make_private(root)
    with (root / f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FetchError(f"another sync of the same prices is running (its pages are in {folder})") from error
        started_at = None if fresh else _started_at(folder)
        if started_at is None or not timedelta(0) <= now - started_at < SPOOL_LIFETIME:
            shutil.rmtree(folder, ignore_errors=True)
            started_at = now
            folder.mkdir(mode=0o700)
            (folder / "started.json").write_text(json.dumps({"started_at": now.isoformat(), "asked": list(asked)}))
        yield Spool(folder, started_at)


def _make_private(root: Path) -> None:
    """The folder may lie in a place that all users write to: it must be ours, and no link to elsewhere."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root.is_symlink() or root.stat().st_uid != os.getuid():
        raise FetchError(f"{root} belongs to somebody else; name a folder of your own with --spool")


def _started_at(folder: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads((folder / "started.json").read_text())["started_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass
class PageCount:
    """Pages of a sync: fetched now, and kept from before."""

    fetched: int = 0
    kept: int = 0


@dataclass
class Pages:
    """Fetches the pages of answers one after the other and counts them."""

    client: httpx.Client
    spool: Spool
    patience: Patience
    count: PageCount

    def of(self, name: str, start: httpx.URL) -> Iterator[bytes]:
        """All pages of the answer that begins at `start`: first those of the spool, then new ones.

        Raises FetchError; what was fetched until then stays in the spool.
        """
        url: httpx.URL | None = start
        seen: set[httpx.URL] = set()
        for number in range(1, MAX_PAGES + 1):
            if url is None:
                return
            if url in seen:
                raise FetchError(f"page {number - 1} of {name} links back to a page before it: {url}")
            seen.add(url)
            body = self.spool.read(name, number)
            if body is None:
                body = self._fetch(url)
                self.spool.write(name, number, body)
                self.count.fetched += 1
            else:
                self.count.kept += 1
            yield body
            url = following(start, body, f"page {number} of {name}")
        raise FetchError(f"{name} has more than {MAX_PAGES} pages")

    def _fetch(self, url: httpx.URL) -> bytes:
        pause, reason = self.patience.first_pause_seconds, ""
        for attempt in range(self.patience.attempts):
            if attempt:
                time.sleep(pause)
            try:
                return self._attempt(url)
            except _TryAgain as problem:
                reason, pause = str(problem), self._pause(problem.retry_after_seconds, attempt)
        raise FetchError(f"{url} failed {self.patience.attempts} times, at last: {reason}")

    def _pause(self, asked_seconds: float | None, attempt: int) -> float:
        """What the server asks for, else the first pause doubled with each attempt."""
        longest = self.patience.longest_retry_after_seconds
        if asked_seconds is None:
            return min(self.patience.first_pause_seconds * float(2**attempt), MAX_PAUSE_SECONDS)
        if asked_seconds > longest:
            raise FetchError(f"the server asks to wait {asked_seconds:.0f} seconds; run the command again after that")
        return asked_seconds

    def _attempt(self, url: httpx.URL) -> bytes:
        try:
            with self.client.stream("GET", url) as response:
                if response.status_code in BUSY:
                    raise _TryAgain(f"status {response.status_code}", retry_after_seconds(response, datetime.now(UTC)))
                if response.status_code != httpx.codes.OK:
                    raise FetchError(f"{url} answered with status {response.status_code}")
                body = _body(response, self.patience.longest_page_seconds)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _TryAgain(f"{type(error).__name__} {error}".rstrip()) from error
        try:
            next_link(body)
        except (msgspec.MsgspecError, ValueError) as error:
            raise _TryAgain(f"not a whole page: {error}") from error
        return body


class _TryAgain(Exception):
    """A failure that may pass."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


def following(start: httpx.URL, body: bytes, where: str) -> httpx.URL | None:
    """The next page's URL: on the host of the first page and in its API version, which links may leave out."""
    link = next_link(body)
    if link is None:
        return None
    try:
        url = httpx.URL(link)
    except (httpx.InvalidURL, TypeError) as error:
        raise FetchError(f"{where} links to {link!r}, which is no address") from error
    if origin(url) != origin(start):
        raise FetchError(f"{where} links to {link}, which is not on {start.scheme}://{start.netloc.decode()}")
    version: Any = start.params.get("api-version")
    return url.copy_merge_params({"api-version": version}) if version and "api-version" not in url.params else url


def retry_after_seconds(response: httpx.Response, now: datetime) -> float | None:
    """The pause that the server asks for, as seconds or as an instant."""
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _body(response: httpx.Response, longest_seconds: float) -> bytes:
    parts, size, deadline = [], 0, time.monotonic() + longest_seconds
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_PAGE_BYTES:
            raise FetchError(f"{response.url} is larger than {MAX_PAGE_BYTES} bytes")
        if time.monotonic() > deadline:
            raise _TryAgain(f"not complete after {longest_seconds:.0f} seconds")
    return b"".join(parts)
