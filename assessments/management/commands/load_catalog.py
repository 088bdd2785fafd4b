"""manage.py load_catalog [FILE]: make the sizes and prices of a catalog file available to all tenants."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from assessments.catalog.catalog_file import CatalogError
from assessments.catalog.loading import OWNER, load_catalog

BUNDLED = Path(__file__).resolve().parents[2] / "catalog" / "snapshot" / "azure-2026-08.zip"


class Command(BaseCommand):
    help = "Loads a catalog file, by default the bundled one. The same file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, default=BUNDLED, help="catalog file (default: the bundled one)"
        )
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        if OWNER not in settings.DATABASES:
            raise CommandError("Set DATABASE_OWNER_URL: catalogs are written by the owner of the tables.")
        file: Path = options["file"]
        try:
            catalog, is_new = load_catalog(file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except CatalogError as error:
            raise CommandError(f"{file} is refused, nothing was changed: {error}") from error
        if options["verbosity"] > 0:
            state = "loaded" if is_new else "already loaded"
            place = "current" if catalog.is_current else "not current: a catalog of a later date is"
            self.stdout.write(f"{catalog.name} (as of {catalog.as_of}): {state}, {place}.")
