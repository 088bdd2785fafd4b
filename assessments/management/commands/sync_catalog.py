"""manage.py sync_catalog: a new version of the catalog from Azure's Retail Prices and Resource SKUs APIs."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from assessments.catalog.catalog_file import CatalogError
from assessments.catalog.loading import OWNER
from assessments.catalog.sync import PRICES_URL, Order, Outcome, SyncError, sync_catalog
from assessments.catalog.sync_pages import FetchError, Patience, default_spool_root
from assessments.catalog.sync_reading import TOKEN_VARIABLE

NOT_CURRENT = 2


def percent(text: str) -> Decimal:
    """An amount of percent, above zero."""
    try:
        value = Decimal(text.removesuffix("%"))
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is no number") from error
    if not value.is_finite() or value <= 0:
        raise ArgumentTypeError("must be above zero")
    return value


def seconds(text: str) -> float:
    """A time above zero."""
    value = float(text)
    if not 0 < value < 3600:
        raise ArgumentTypeError("must be above zero and below an hour")
    return value


class Command(BaseCommand):
    help = (
        "Builds a new version of the catalog from Azure's public APIs. A sync that was interrupted goes on where it "
        f"was. Exit status {NOT_CURRENT}: stored, but not current, because somebody should look at the changes first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--prices-url", default=PRICES_URL, help="Retail Prices API (default: %(default)s)")
        parser.add_argument(
            "--skus",
            metavar="FILE|URL",
            help="output of `az vm list-skus --all -o json`, or the address of the Resource SKUs API, which is asked "
            f"with the token in {TOKEN_VARIABLE} (default: the facts about sizes stay as they are)",
        )
        parser.add_argument(
            "--region", action="append", default=[], help="only this region, may be repeated (default: all)"
        )
        parser.add_argument(
            "--max-move",
            type=percent,
            default=Decimal(25),
            metavar="PERCENT",
            help="a price that moved more keeps the catalog from becoming current (default: 25)",
        )
        parser.add_argument("--accept", action="store_true", help="make it current whatever changed")
        parser.add_argument("--dry-run", action="store_true", help="fetch, check and compare, but store nothing")
        parser.add_argument("--fresh", action="store_true", help="forget the pages of an interrupted or refused sync")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--spool",
            type=Path,
            default=default_spool_root(),
            metavar="DIR",
            help="where fetched pages are kept until the catalog is current, at most a day (default: %(default)s)",
        )
        parser.add_argument("--timeout", type=seconds, default=30.0, metavar="SECONDS", help="of one request")
        parser.add_argument(
            "--pause", type=seconds, default=1.0, metavar="SECONDS", help="before the first retry, doubling then"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if OWNER not in settings.DATABASES:
            raise CommandError("Set DATABASE_OWNER_URL: catalogs are written by the owner of the tables.")
        try:
            outcome = sync_catalog(_order(options), now=timezone.now(), tell=self._teller(options["verbosity"]))
        except FetchError as error:
            raise CommandError(f"{error}. Nothing was changed; run the command again to go on.") from error
        except CatalogError as error:
            raise CommandError(
                f"The answer makes no catalog, nothing was changed: {error}. With --fresh it is fetched again."
            ) from error
        except SyncError as error:
            raise CommandError(f"Nothing was changed: {error}.") from error
        if options["json"]:
            self.stdout.write(msgspec.json.encode(outcome).decode())
        elif options["verbosity"] > 0:
            self.stdout.write("\n".join(_summary(outcome)))
        if outcome.catalog and not outcome.is_current:
            raise CommandError(_refusal(outcome), returncode=NOT_CURRENT)

    def _teller(self, verbosity: int) -> Any:
        return lambda line: self.stderr.write(line, ending="\n") if verbosity > 0 and sys.stderr.isatty() else None


def _order(options: dict[str, Any]) -> Order:
    return Order(
        prices_url=options["prices_url"],
        skus=options["skus"],
        regions=options["region"],
        max_move_percent=options["max_move"],
        accept=options["accept"],
        dry_run=options["dry_run"],
        fresh=options["fresh"],
        spool_root=options["spool"],
        patience=Patience(timeout_seconds=options["timeout"], first_pause_seconds=options["pause"]),
    )


def _summary(outcome: Outcome) -> list[str]:
    """What a person reads: what came, what it changes, what is left."""
    rows, changes = outcome.rows, outcome.comparison
    state = "dry run, nothing stored" if outcome.catalog is None else "current" if outcome.is_current else "not current"
    lines = [
        f"{outcome.name}: {state}.",
        f"  {rows['prices']} rows of prices of {rows['sizes']} sizes in {rows['regions']} regions, "
        f"{rows['disk_prices']} prices of disks; {outcome.items} items on {outcome.pages_fetched} pages fetched and "
        f"{outcome.pages_kept} kept from before.",
        f"  Compared with {outcome.compared_with}: {changes.prices_changed} of {changes.prices_compared} prices "
        f"changed, {changes.prices_added} came, {changes.prices_vanished} vanished; "
        f"sizes +{len(changes.added_sizes)} -{len(changes.vanished_sizes)}, "
        f"regions +{len(changes.added_regions)} -{len(changes.vanished_regions)}.",
    ]
    lines += [f"  Left out: {left.rows} {left.what}: {left.reason}." for left in outcome.left_out]
    lines += [f"  Taken over: {left.rows} {left.what}." for left in outcome.taken_over]
    return lines + [f"  Look at: {reason}." for reason in changes.reasons]


def _refusal(outcome: Outcome) -> str:
    reasons = outcome.comparison.reasons
    if not reasons:
        return f"{outcome.name} is stored, but a catalog of a later date is current."
    return (
        f"{outcome.name} is stored but not current: {'; '.join(reasons)}. "
        "If that is right, run the same command with --accept."
    )
