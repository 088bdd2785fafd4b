"""manage.py prune_catalogs --keep N: remove old catalogs that no run pins."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assessments.catalog.loading import OWNER
from assessments.catalog.pruning import prune_catalogs


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number of catalogs")
    return int(text)


class Command(BaseCommand):
    help = "Removes old catalogs. The newest N, the current one and those that a run pins stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--keep", type=_count, required=True, metavar="N", help="how many of the newest to keep")
        parser.add_argument("--dry-run", action="store_true", help="say what would be removed and change nothing")
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        if OWNER not in settings.DATABASES:
            raise CommandError("Set DATABASE_OWNER_URL: catalogs are removed by the owner of the tables.")
        for catalog, outcome in prune_catalogs(keep=options["keep"], dry_run=options["dry_run"]):
            self.stdout.write(f"{catalog.name} (as of {catalog.as_of}): {outcome.value}")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed: this was a dry run.")
