"""`manage.py encrypt_secrets_anew`: before an earlier SECRET_KEY is taken out of SECRET_KEY_FALLBACKS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from migrate_hub.tenants.encryption import UnreadableSecretError
from migrate_hub.tenants.second_factor import encrypt_secrets_anew


class Command(BaseCommand):
    help = "Encrypts stored secrets under the newest SECRET_KEY."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                count = encrypt_secrets_anew()
        except UnreadableSecretError as error:
            raise CommandError(
                f"{error}: put the key that they were written with into SECRET_KEY_FALLBACKS."
            ) from error
        self.stdout.write(f"{count} second factors are encrypted under the newest key.")
