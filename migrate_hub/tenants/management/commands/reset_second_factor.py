"""`manage.py reset_second_factor --email E`: for a person who lost their authenticator app and their recovery codes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from migrate_hub.errors import DomainError
from migrate_hub.tenants.recovery import person
from migrate_hub.tenants.second_factor import turn_off
from migrate_hub.tenants.sessions import end_sessions


class Command(BaseCommand):
    help = "Takes the second factor of a person who lost it, and ends their sessions. Be sure who asks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                user = person(options["email"])
                was_on = turn_off(user, by_operator=True)
                if was_on:
                    end_sessions(user)
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(
            f"{user.email} signs in with the password alone." if was_on else "There was no second factor."
        )
