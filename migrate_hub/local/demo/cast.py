"""The two tenants of the demo, made by the operators' commands: the only step of the story outside the REST API."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
from dataclasses import dataclass

import httpx

from migrate_hub.local.demo.state import TenantState
from migrate_hub.local.environment import PROJECT_DIR


@dataclass(frozen=True)
class Tenant:
    """A customer of the story, its owner, and where it wants to go."""

    name: str
    owner_email: str
    city: str
    target_region: str
    currency: str


TENANTS = (
    Tenant("Nordwind Logistik", "alice@nordwind.example", "Frankfurt", "westeurope", "EUR"),
    Tenant("Lakeside Health", "carol@lakeside.example", "Chicago", "eastus", "USD"),
)


class CommandFailed(Exception):
    """One of the operators' commands failed; the message is what it said."""


def password_of(tenant: Tenant, secret_key: str) -> str:
    """The owner's password: derived, so that it is known even when the demo's own notes are lost."""
    digest = hmac.digest(secret_key.encode(), f"demo {tenant.owner_email}".encode(), hashlib.sha256)
    return base64.b32encode(digest)[:20].decode().lower()


def open_tenant(tenant: Tenant, known: TenantState | None, *, http: httpx.Client, secret_key: str) -> TenantState:
    """The tenant with an access token that works, made where it is missing."""
    if known and _is_valid(known.access_token, http):
        return known
    try:
        arguments = [tenant.name, "--owner-email", tenant.owner_email, "--password-stdin"]
        made = _manage("create_tenant", *arguments, stdin=password_of(tenant, secret_key) + "\n")
    except CommandFailed:
        # It is there from an earlier run. If something else was wrong, this fails too and says so.
        arguments = ["--tenant", tenant.name, "--email", tenant.owner_email, "--role", "owner"]
        made = _manage("create_token", *arguments)
    return TenantState(tenant=tenant.name, access_token=made["access_token"])


def _is_valid(access_token: str, http: httpx.Client) -> bool:
    response = http.get("/api/v1/projects/?page_size=1", headers={"Authorization": f"Bearer {access_token}"})
    return response.is_success


def _manage(*arguments: str, stdin: str = "") -> dict[str, str]:
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments, "--json"]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"manage.py {arguments[0]}: {done.stderr.strip()}")
    answer: dict[str, str] = json.loads(done.stdout)
    return answer
