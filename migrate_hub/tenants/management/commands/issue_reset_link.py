"""`manage.py issue_reset_link --email E [--json]`: a link by which a person sets a new password once."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from migrate_hub.errors import DomainError
from migrate_hub.tenants.recovery import LINK_HOURS, issue_reset_link


class Command(BaseCommand):
    help = (
        f"Prints a link by which a person sets a new password, once, within {LINK_HOURS} hours. Be sure who asks: "
        "whoever has the link has the account."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                link = issue_reset_link(options["email"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(json.dumps({"link": link, "hours": LINK_HOURS}) if options["json"] else link)
