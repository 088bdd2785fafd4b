"""`manage.py create_tenant NAME --owner-email E [--password-stdin] --json`."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import Membership, Role
from migrate_hub.tenants.people import create_tenant, make_access_token
from migrate_hub.tenants.row_level_security import tenant_context


class Command(BaseCommand):
    help = "Creates a tenant with its owner, and prints an access token of the owner."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner-email", required=True)
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the owner's password from standard input."
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else None
        try:
            tenant, user = create_tenant(name=options["name"], owner_email=options["owner_email"], password=password)
        except DomainError as error:
            raise CommandError(error.detail) from error
        with tenant_context(tenant.id):
            membership = Membership.objects.select_related("tenant", "user").get(tenant=tenant, user=user)
            issued = make_access_token(membership=membership, role=Role.OWNER, name="create_tenant", now=timezone.now())
        answer = {"tenant": str(tenant.public_id), "user": str(user.id), "access_token": issued.wire}
        self.stdout.write(json.dumps(answer) if options["json"] else "\n".join(f"{k}: {v}" for k, v in answer.items()))
