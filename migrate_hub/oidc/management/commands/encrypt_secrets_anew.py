"""`manage.py encrypt_secrets_anew`: before an earlier SECRET_KEY is taken out of SECRET_KEY_FALLBACKS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from migrate_hub.oidc.configuring import encrypt_secret_anew
from migrate_hub.tenants import second_factor
from migrate_hub.tenants.encryption import PUT_THE_KEY_BACK, UnreadableSecretError
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context


class Command(BaseCommand):
    help = "Encrypts stored secrets under the newest SECRET_KEY: second factors, and those of company sign-ins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        """What can be read is written anew even where something else cannot."""
        with transaction.atomic():
            factors, unreadable = second_factor.encrypt_secrets_anew()
        companies, lost = _company_sign_ins()
        self.stdout.write(
            f"{factors} second factors and the secrets of {companies} company sign-ins are encrypted under the newest "
            "key."
        )
        unreadable += [f"the company sign-in of {name}" for name in lost]
        if unreadable:
            raise CommandError(
                f"No key opens the second factor or secret of: {', '.join(unreadable)}. {PUT_THE_KEY_BACK} Where that "
                "key is gone: manage.py reset_second_factor, and owners enter the secret of their sign-in again."
            )


def _company_sign_ins() -> tuple[int, list[str]]:
    """How many were written anew, each tenant in a transaction of its own; the tenants whose secret no key opens."""
    written, lost = 0, []
    for tenant in Tenant.objects.order_by("id"):
        try:
            with tenant_context(tenant.id):
                written += encrypt_secret_anew()
        except UnreadableSecretError:
            lost.append(tenant.name)
    return written, lost
