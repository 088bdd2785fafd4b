"""Tenants, their members and their tokens: the functions that write them, for the API, the portal and the operators."""

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from migrate_hub.errors import DomainError
from migrate_hub.tenants import audit
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import (
    Invitation,
    Membership,
    Project,
    RemovedMember,
    Role,
    Tenant,
    Token,
    TokenKind,
    TokenLabel,
    User,
)
from migrate_hub.tenants.quotas import count_alone, quotas_of, refuse_over
from migrate_hub.tenants.row_level_security import tenant_context
from migrate_hub.tenants.tokens import ACCESS_TOKEN_DAYS, Issued, issue_access_token

# What ends with a membership besides tokens and invitations, by the app that keeps it.
_endings: dict[str, Callable[[Membership], None]] = {}


def register_ending(name: str, end: Callable[[Membership], None]) -> None:
    """Called once by each app where members give out access, when it is ready; `end` has the tenant's context."""
    _endings[name] = end


def create_tenant(*, name: str, owner_email: str, password: str | None = None) -> tuple[Tenant, User]:
    """A tenant and its first owner; somebody who is known already keeps their password."""
    if Tenant.objects.filter(name=name).exists():
        raise DomainError(code="name_taken", status=409, detail=f"A tenant named {name!r} exists already.")
    with transaction.atomic():
        tenant = Tenant.objects.create(name=name)
        with tenant_context(tenant.id):
            membership = add_member(tenant=tenant, email=owner_email, role=Role.OWNER, password=password)
    return tenant, membership.user


def add_member(*, tenant: Tenant, email: str, role: Role, password: str | None = None) -> Membership:
    """Makes a person a member without asking them, or changes their role. Needs the tenant's context."""
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        user = User.objects.create_user(email=email, password=password)
    elif user.address_unproven and not Membership.objects.filter(tenant=tenant, user=user).exists():
        # Whoever made this account may be somebody else: an invitation reaches the person themselves.
        raise DomainError(
            code="invitation_needed", status=409, detail=f"Invite {user.email} by a link: the address is not proven."
        )
    return set_membership(tenant=tenant, user=user, role=role)


def set_membership(*, tenant: Tenant, user: User, role: Role) -> Membership:
    """Gives a person this role, as a new member or in place of another role. Needs the tenant's context."""
    membership = Membership.objects.filter(tenant=tenant, user=user).first()
    if membership is None:
        count_alone("members", tenant.id)
        count = Membership.objects.filter(tenant=tenant).count()
        refuse_over(count, quotas_of(tenant.id).members, "This tenant has at most {limit} members.")
        membership = Membership.objects.create(tenant=tenant, user=user, role=role)
        RemovedMember.objects.filter(user=user).delete()
    elif membership.role != role:
        refuse_last_owner_loss(membership, becomes=role)
        membership.role = role
        membership.save(update_fields=["role"])
    if role != Role.OWNER:
        revoke_invitations_of(membership)
    audit.record("member.set", membership, user=str(user.id), role=role)
    return membership


def remove_member(membership: Membership) -> None:
    """Takes a person's access with all that they gave out; no company sign-in lets them in again by itself."""
    refuse_last_owner_loss(membership, becomes=None)
    Token.objects.filter(tenant_id=membership.tenant_id, user_id=membership.user_id).delete()
    revoke_invitations_of(membership)
    for end in _endings.values():
        end(membership)
    audit.record("member.remove", membership, user=str(membership.user_id))
    RemovedMember.objects.get_or_create(tenant_id=membership.tenant_id, user_id=membership.user_id)
    membership.delete()


def was_removed(user: User) -> bool:
    """Whether the current tenant took this person out and has not let them in since."""
    return bool(RemovedMember.objects.filter(user=user).exists())


def revoke_invitations_of(membership: Membership) -> None:
    """Somebody who is no owner any more lets nobody in any more."""
    _revoke_invitations(tenant_id=membership.tenant_id, invited_by_id=membership.user_id)


def revoke_invitations_by(user: User) -> None:
    """Somebody who was switched off lets nobody into any tenant."""
    _revoke_invitations(invited_by_id=user.id)


def _revoke_invitations(**which: object) -> None:
    waiting = Invitation.objects.filter(accepted_at=None, revoked_at=None)
    waiting.filter(**which).update(revoked_at=timezone.now())


def require_second_factor(tenant: Tenant, *, required: bool) -> Tenant:
    """Whether no page of the tenant opens for members without a second factor. Needs the tenant's context."""
    Tenant.objects.filter(pk=tenant.pk).update(second_factor_required=required)
    tenant.second_factor_required = required
    audit.record("tenant.second_factor", required=required)
    return tenant


def refuse_last_owner_loss(membership: Membership, *, becomes: Role | None) -> None:
    if membership.role != Role.OWNER or becomes == Role.OWNER:
        return
    owners = Membership.objects.select_for_update().filter(tenant_id=membership.tenant_id, role=Role.OWNER)
    if len(owners) == 1:
        raise DomainError(
            code="last_owner", status=409, detail="A tenant needs an owner. Make somebody else owner first."
        )


def make_access_token(
    *, membership: Membership, role: Role, name: str, now: datetime, days: int = ACCESS_TOKEN_DAYS
) -> Issued:
    """A named token for a member, with their role or less. Needs the tenant's context."""
    if not Role(membership.role).includes(role):
        raise DomainError(
            code="role_too_high", status=403, detail=f"A {membership.role} cannot have a token with the role {role}."
        )
    count_alone("tokens", membership.tenant_id)
    valid = Token.objects.filter(
        tenant_id=membership.tenant_id, kind=TokenKind.ACCESS, revoked_at=None, expires_at__gt=now
    )
    limit = quotas_of(membership.tenant_id).tokens
    refuse_over(valid.count(), limit, "This tenant has at most {limit} valid tokens. Revoke some.")
    issued = issue_access_token(tenant=membership.tenant, user=membership.user, role=role, now=now, days=days)
    TokenLabel.objects.create(token_id=issued.token.id, name=name)
    audit.record("token.create", issued.token, role=role)
    return issued


def revoke_token(token: Token, now: datetime) -> None:
    Token.objects.filter(id=token.id, revoked_at=None).update(revoked_at=now)
    audit.record("token.revoke", token)


def create_project(*, name: str, target_region: str, currency: str) -> Project:
    """A project of the current tenant; its name is unique among the tenant's living projects."""
    count_alone("projects", current_tenant_id())
    count = Project.objects.filter(deleted_at=None).count()
    refuse_over(count, quotas_of(current_tenant_id()).projects, "This tenant has at most {limit} projects.")
    try:
        with transaction.atomic():
            project: Project = Project.objects.create(name=name, target_region=target_region, currency=currency)
    except IntegrityError:
        raise name_taken("project", name) from None
    audit.record("project.create", project)
    return project


def change_project(project: Project, **changes: str) -> Project:
    for field, value in changes.items():
        setattr(project, field, value)
    try:
        with transaction.atomic():
            project.save(update_fields=list(changes))
    except IntegrityError:
        raise name_taken("project", project.name) from None
    audit.record("project.change", project, fields=sorted(changes))
    return project


def delete_project(project: Project, now: datetime) -> None:
    """Hides a project at once; its rows go with retention."""
    project.deleted_at = now
    project.save(update_fields=["deleted_at"])
    audit.record("project.delete", project)


def name_taken(what: str, name: str) -> DomainError:
    return DomainError(
        code="name_taken", status=409, detail=f"A {what} named {name!r} exists already. Choose another name."
    )
