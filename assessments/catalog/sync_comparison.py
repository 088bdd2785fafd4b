"""What a new catalog changes against the current one, and what of it a person should look at first. Pure.

A price that moved far, a size or a region that is gone, a kind of price that a region lost altogether, a commitment
that is dearer than pay-as-you-go: each may be true, and each is what a broken answer looks like.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from assessments.catalog.catalog_file import DiskPriceRow, PriceRow, Tables
from assessments.catalog.checks import PRICE_COLUMNS

# A region changes its sizes now and then; one that loses more at once has probably lost a page of the answer.
MAX_VANISHED_PERCENT = 5
# Of 11,590 published commitments none was dearer than pay-as-you-go, none cheaper than a quarter of it.
TERM_HOURS = {"reservation_1y_total": 8760, "reservation_3y_total": 26280}
COMMITMENTS = ("reservation_1y_total", "reservation_3y_total", "savings_plan_1y_hourly", "savings_plan_3y_hourly")
LEAST_SHARE_OF_PAYG = Decimal("0.1")
TOLD = 20

Key = tuple[str, str, str]  # region, size or disk, column


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One price then and now; `percent` of the old price, below zero when it fell."""

    region: str
    of: str
    price: str
    old: Decimal
    new: Decimal
    percent: Decimal


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The difference to the current catalog. `reasons` are why the new one should not become current by itself."""

    prices_compared: int
    prices_changed: int
    prices_added: int
    prices_vanished: int
    moved: list[Move]
    vanished_regions: list[str]
    vanished_sizes: list[str]
    added_regions: list[str]
    added_sizes: list[str]
    vanished_from_regions: dict[str, int]
    reasons: list[str]


@dataclass(frozen=True)
class _Side:
    """One catalog, ready for comparison. `offers` are the pairs of region and size that can be bought and priced."""

    prices: dict[Key, Decimal]
    offers: set[tuple[str, str]]

    @classmethod
    def of(cls, tables: Tables) -> "_Side":
        disks = ((_disk_key(row), row.price) for row in tables.disk_prices)
        return cls(prices=dict([*_size_prices(tables.prices), *disks]), offers=set(_offers(tables.prices)))

    @property
    def regions(self) -> set[str]:
        return {region for region, _ in self.offers}

    @property
    def sizes(self) -> set[str]:
        return {size for _, size in self.offers}


def compare(old: Tables, new: Tables, *, max_move_percent: Decimal) -> Comparison:
    """The difference; a price is moved when it changed by more than `max_move_percent` of what it was."""
    before, now = _Side.of(old), _Side.of(new)
    common = before.prices.keys() & now.prices.keys()
    moves = sorted(_moves(before, now, common), key=lambda move: (-abs(move.percent), move.region, move.of))
    vanished = before.offers - now.offers
    lost = dict(sorted(Counter(region for region, _ in vanished).items()))
    return Comparison(
        prices_compared=len(common),
        prices_changed=len(moves),
        prices_added=len(now.prices.keys() - before.prices.keys()),
        prices_vanished=len(before.prices.keys() - now.prices.keys()),
        moved=[move for move in moves if abs(move.percent) > max_move_percent],
        vanished_regions=sorted(before.regions - now.regions),
        vanished_sizes=sorted(before.sizes - now.sizes),
        added_regions=sorted(now.regions - before.regions),
        added_sizes=sorted(now.sizes - before.sizes),
        vanished_from_regions=lost,
        reasons=list(_reasons(before, now, moves, lost, max_move_percent)),
    )


def _reasons(
    before: _Side, now: _Side, moves: list[Move], lost: dict[str, int], max_move_percent: Decimal
) -> Iterator[str]:
    far = [move for move in moves if abs(move.percent) > max_move_percent]
    if far:
        named = [f"{move.of} {move.price} in {move.region} {move.percent:+.1f} %" for move in far]
        yield f"{len(far)} prices moved more than {max_move_percent} %: {_told(named)}"
    if gone := sorted(before.regions - now.regions):
        yield f"{len(gone)} regions vanished: {_told(gone)}"
    if gone := sorted(before.sizes - now.sizes):
        yield f"{len(gone)} sizes vanished: {_told(gone)}"
    for region in sorted(lost.keys() & now.regions):
        offered = sum(place == region for place, _ in before.offers)
        if lost[region] * 100 > offered * MAX_VANISHED_PERCENT:
            yield f"{region} lost {lost[region]} of {offered} sizes"
    for region, column, count in _lost_kinds(before, now):
        yield f"{region} lost all {count} prices of the kind {column}"
    if odd := list(_odd_commitments(now)):
        yield f"{len(odd)} commitments cost more than pay-as-you-go, or less than a tenth of it: {_told(odd)}"


def _lost_kinds(before: _Side, now: _Side) -> Iterator[tuple[str, str, int]]:
    """Kinds of prices that a region had and has no more, though the region itself is still there."""
    counts = Counter((region, column) for region, _, column in before.prices)
    still = {(region, column) for region, _, column in now.prices}
    for (region, column), count in sorted(counts.items()):
        if (region, column) not in still and region in now.regions:
            yield region, column, count


def _odd_commitments(now: _Side) -> Iterator[str]:
    for (region, size, column), price in sorted(now.prices.items()):
        payg = now.prices.get((region, size, "linux_payg_hourly"))
        if column not in COMMITMENTS or payg is None:
            continue
        share = price / TERM_HOURS.get(column, 1) / payg
        if not LEAST_SHARE_OF_PAYG <= share <= 1:
            yield f"{size} {column} in {region} is {share:.0%} of pay-as-you-go"


def _moves(before: _Side, now: _Side, keys: Iterable[Key]) -> Iterator[Move]:
    for key in keys:
        old, new = before.prices[key], now.prices[key]
        if old != new:
            region, of, price = key
            percent = round((new - old) / old * 100, 2)
            yield Move(region=region, of=of, price=price, old=old, new=new, percent=percent)


def _size_prices(rows: Iterable[PriceRow]) -> Iterator[tuple[Key, Decimal]]:
    for row in rows:
        for column in PRICE_COLUMNS:
            price = getattr(row, column)
            if price is not None:
                yield (row.region, row.size, column), price


def _disk_key(row: DiskPriceRow) -> Key:
    return row.region, f"{row.disk_type} {row.tier or ''}".rstrip(), f"{row.redundancy} {row.component}"


def _offers(rows: Iterable[PriceRow]) -> Iterator[tuple[str, str]]:
    return ((row.region, row.size) for row in rows if row.linux_payg_hourly is not None and row.listed is not False)


def _told(names: list[str]) -> str:
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(names[:TOLD]) + more
