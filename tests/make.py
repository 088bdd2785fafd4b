"""One-line builders of what tests need: tenants with people, clients of the API, and the estate of an appliance."""

import itertools
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import uuid4

from django.contrib.auth.hashers import make_password
from django.test import Client

from migrate_hub.tenants.models import Membership, Role, Tenant, User
from migrate_hub.tenants.people import add_member, create_tenant, make_access_token
from migrate_hub.tenants.row_level_security import tenant_context

_numbers = itertools.count(1)
API = "/api/v1/"
PASSWORD = "correct-horse-battery-9"


class Api:
    """A client of the REST API that holds one token: the front door."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Sends JSON (or bytes as they are) and returns the response; `path` is below /api/v1/ or absolute."""
        url = path if path.startswith(("/", "http")) else API + path
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        data = body if isinstance(body, bytes | str) else ("" if body is None else json.dumps(body))
        content_type = headers.pop("Content-Type", "application/json")
        return self.client.generic(method, url, data, content_type=content_type, headers=headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.call("DELETE", path, **headers)

    def ok(self, response: Any, status: int = 200) -> Any:
        """The JSON of a response that must have this status."""
        assert response.status_code == status, f"{response.status_code}: {response.content[:2000]!r}"
        return response.json() if response.content else None


@dataclass
class Cast:
    """A tenant and its people: alice owns, bob contributes, rita reads. Charlie is of another tenant: `stranger()`."""

    tenant: Tenant
    alice: Api
    bob: Api
    rita: Api
    emails: dict[str, str] = field(default_factory=dict)


def token_for(tenant: Tenant, email: str, role: Role) -> str:
    """An access token of a member with this role, who is made where missing."""
    from django.utils import timezone

    with tenant_context(tenant.id):
        membership = (
            Membership.objects.select_related("tenant", "user").filter(tenant=tenant, user__email=email).first()
        )
        membership = membership or add_member(tenant=tenant, email=email, role=role)
        return make_access_token(membership=membership, role=role, name="test", now=timezone.now()).wire


def cast() -> Cast:
    """A fresh tenant with an owner, a contributor and a reader."""
    number = f"{next(_numbers)}-{uuid4().hex[:8]}"
    emails = {name: f"{name}-{number}@example.com" for name in ("alice", "bob", "rita")}
    tenant, _ = create_tenant(name=f"tenant {number}", owner_email=emails["alice"])
    made = Cast(
        tenant=tenant,
        alice=Api(token_for(tenant, emails["alice"], Role.OWNER)),
        bob=Api(token_for(tenant, emails["bob"], Role.CONTRIBUTOR)),
        rita=Api(token_for(tenant, emails["rita"], Role.READER)),
        emails=emails,
    )
    # Argon2 is slow on purpose: the one password of all tests is hashed once.
    User.objects.filter(email__in=emails.values()).update(password=hashed_password())
    return made


@cache
def hashed_password() -> str:
    return make_password(PASSWORD)


def stranger() -> Api:
    """Charlie: an owner, but of another tenant."""
    return cast().alice


def project(api: Api, *, name: str | None = None, target_region: str = "westeurope", currency: str = "USD") -> str:
    """The id of a new project."""
    body = {"name": name or f"project {next(_numbers)}", "target_region": target_region, "currency": currency}
    return str(api.ok(api.post("projects/", body), 201)["id"])
