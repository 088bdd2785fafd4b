"""`manage.py create_token --tenant T --email E --role R [--expires-in-days N] --json`."""

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import Role, Tenant
from migrate_hub.tenants.people import add_member, make_access_token
from migrate_hub.tenants.row_level_security import tenant_context
from migrate_hub.tenants.tokens import ACCESS_TOKEN_DAYS, MAX_ACCESS_TOKEN_DAYS


def find_tenant(named: str) -> Tenant:
    """A tenant by its name or id."""
    by = Q(name=named)
    try:
        by |= Q(public_id=UUID(named))
    except ValueError:
        pass
    tenant = Tenant.objects.filter(by).first()
    if tenant is None:
        raise CommandError(f"There is no tenant {named!r}. Give its name or its id.")
    return tenant


class Command(BaseCommand):
    help = "Makes a person a member of a tenant with a role, where they are not, and prints an access token."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, help="Name or id.")
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--expires-in-days", type=int, default=ACCESS_TOKEN_DAYS)
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")
        parser.add_argument("--data-dir", help="The embedded installation to use.")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires_in_days"]
        if not 1 <= days <= MAX_ACCESS_TOKEN_DAYS:
            raise CommandError(f"--expires-in-days must be from 1 to {MAX_ACCESS_TOKEN_DAYS}.")
        tenant, role = find_tenant(options["tenant"]), Role(options["role"])
        try:
            with tenant_context(tenant.id):
                membership = member_with_at_least(tenant, options["email"], role)
                issued = make_access_token(
                    membership=membership, role=role, name="create_token", now=timezone.now(), days=days
                )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(json.dumps({"access_token": issued.wire}) if options["json"] else issued.wire)


def member_with_at_least(tenant: Tenant, email: str, role: Role) -> Any:
    """The membership, raised to the role where it grants less, never lowered."""
    known = tenant.memberships.select_related("user", "tenant").filter(user__email=email.lower()).first()
    if known is not None and Role(known.role).includes(role):
        return known
    return add_member(tenant=tenant, email=email, role=role)
