"""The tenant that code acts for, and what is known of the request: context variables, nothing stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import UUID


class NoTenantError(RuntimeError):
    """Rows of a tenant were asked for outside of any tenant's context: a programming error, never an empty list."""


current_tenant: ContextVar[int | None] = ContextVar("current_tenant", default=None)


@dataclass(frozen=True)
class Actor:
    """Who does something, for the audit trail and the logs."""

    user_id: UUID | None = None
    token_id: UUID | None = None
    appliance_id: UUID | None = None
    is_operator: bool = False
    ip_address: str | None = None
    request_id: str = ""


current_actor: ContextVar[Actor] = ContextVar("current_actor", default=Actor())


@contextmanager
def acting_as(user_id: UUID | None = None, *, appliance_id: UUID | None = None) -> Iterator[None]:
    """Somebody, or an appliance, who became known while their request runs: the trails name them."""
    token = current_actor.set(replace(current_actor.get(), user_id=user_id, appliance_id=appliance_id))
    try:
        yield
    finally:
        current_actor.reset(token)


def current_tenant_id() -> int:
    """The tenant's internal id; raises NoTenantError when none was entered."""
    tenant_id = current_tenant.get()
    if tenant_id is None:
        raise NoTenantError("no tenant entered: wrap this in tenant_context(...)")
    return tenant_id
