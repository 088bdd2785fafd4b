"""What the APIs answer, read page by page: prices always, facts about sizes when somebody says where they are."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from assessments.catalog.catalog_file import CatalogError
from assessments.catalog.resource_skus import SkuBook
from assessments.catalog.retail_prices import API_VERSION, MACHINES, STORAGE, PriceBook, price_filter
from assessments.catalog.sync_pages import PageCount, Pages, Patience, Spool

# Whoever starts the command gives the token of the Resource SKUs API here: arguments can be read by others.
TOKEN_VARIABLE = "AZURE_ACCESS_TOKEN"  # noqa: S105  # the name of a variable
HEADERS = {"Accept": "application/json", "User-Agent": "migrate_hub catalog synchronization"}
MAX_SKUS_FILE_BYTES = 512 * 1024 * 1024
TELL_EVERY_PAGES = 25
PRICES, SKUS = "Retail Prices API", "Resource SKUs API"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the APIs. `skus` is an address or a file; no regions = all."""

    prices_url: str
    skus: str | None
    regions: tuple[str, ...]

    @property
    def price_urls(self) -> dict[str, httpx.URL]:
        """The first page of each answer: of machines, of disks."""
        base = httpx.URL(self.prices_url)
        return {
            name: base.copy_merge_params(
                {"api-version": API_VERSION, "$filter": price_filter(service, self.regions)},
            )
            for name, service in (("machines", MACHINES), ("disks", STORAGE))
        }

    @property
    def texts(self) -> list[str]:
        """What tells the pages of this question from those of another."""
        return [*map(str, self.price_urls.values()), self.skus or ""]


@dataclass
class Reading:
    """What was read. `digests` are the SHA-256 of each answer, `skus_dated` when the facts about sizes were told."""

    prices: PriceBook
    skus: SkuBook | None = None
    skus_dated: str = ""
    pages: PageCount = field(default_factory=PageCount)
    digests: dict[str, str] = field(default_factory=dict)

    def hashed(self, name: str, bodies: Iterable[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for body in bodies:
            digest.update(body)
            yield body
        self.digests[name] = digest.hexdigest()


def read_answers(question: Question, spool: Spool, patience: Patience, tell: Callable[[str], Any]) -> Reading:
    """Everything that is asked for; `tell` hears of progress. Raises FetchError or CatalogError."""
    reading = Reading(PriceBook(now=spool.started_at))
    with httpx.Client(timeout=patience.timeout_seconds, headers=HEADERS) as client:
        pages = Pages(client, spool, patience, reading.pages)
        for name, url in question.price_urls.items():
            for number, body in enumerate(reading.hashed(f"{PRICES}, {name}", pages.of(name, url)), start=1):
                reading.prices.add_page(body, f"{name}, page {number}")
                if number % TELL_EVERY_PAGES == 0:
                    tell(f"{name}: {number} pages, {reading.prices.items} prices")
    if question.skus:
        _read_skus(question.skus, spool, patience, reading)
    return reading


def is_address(place: str) -> bool:
    """Whether it is fetched rather than opened."""
    return place.startswith(("http://", "https://"))


def place_of(skus: str) -> str:
    """Where facts about sizes came from, for people."""
    return httpx.URL(skus).host if is_address(skus) else f"saved as {Path(skus).name}"


def _read_skus(place: str, spool: Spool, patience: Patience, reading: Reading) -> None:
    book = reading.skus = SkuBook()
    if not is_address(place):
        for body in reading.hashed(SKUS, [_file(place)]):
            book.add_page(body, Path(place).name)
        # A saved file is as old as it is.
        reading.skus_dated = datetime.fromtimestamp(Path(place).stat().st_mtime, UTC).date().isoformat()
        return
    reading.skus_dated = spool.started_at.date().isoformat()
    token = os.environ.get(TOKEN_VARIABLE)
    headers = {**HEADERS, **({"Authorization": f"Bearer {token}"} if token else {})}
    with httpx.Client(timeout=patience.timeout_seconds, headers=headers) as client:
        pages = Pages(client, spool, patience, reading.pages).of("skus", httpx.URL(place))
        for number, body in enumerate(reading.hashed(SKUS, pages), start=1):
            book.add_page(body, f"skus, page {number}")


def _file(place: str) -> bytes:
    try:
        if Path(place).stat().st_size > MAX_SKUS_FILE_BYTES:
            raise CatalogError(place, None, f"larger than {MAX_SKUS_FILE_BYTES} bytes")
        return Path(place).read_bytes()
    except OSError as error:
        raise CatalogError(place, None, f"{error.strerror}") from error
