"""Tenants, people and roles, projects, tokens, the audit trail; TenantModel, the base of every tenant's row."""

import secrets
from importlib import import_module
from typing import Any, ClassVar, Self
from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.row_level_security import TenantForeignKey


def uuid7() -> UUID:
    """A time-ordered UUID; Python 3.11 has no version 7 of its own."""
    return uuid_utils.compat.uuid7()


class Role(models.TextChoices):
    READER = "reader"
    CONTRIBUTOR = "contributor"
    OWNER = "owner"

    def includes(self, needed: "Role") -> bool:
        """Whether somebody with this role may do what `needed` may."""
        order = [Role.READER, Role.CONTRIBUTOR, Role.OWNER]
        return order.index(self) >= order.index(needed)


class UserManager(BaseUserManager["User"]):
    def create_user(self, *, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, *, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email=email, password=password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail address; what they may do stands in their memberships."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May use the operators' admin.")
    # Chosen through an invitation's link, which its sender saw too: nobody has shown yet that the mailbox is theirs.
    address_unproven = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Tenant(models.Model):
    """A customer. The bigint key is internal and leads every key of the tenant's rows; `public_id` is shown."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=True)
    second_factor_required = models.BooleanField(default=False, help_text="No page opens for members without one.")
    company_sign_in_required = models.BooleanField(
        default=False, help_text="Members other than owners enter through the company's sign-in only."
    )
    # Grows when the issuer or the client changes or is taken away: sessions that came through an older one end.
    company_sign_in_generation = models.PositiveIntegerField(default=0, editable=False)
    # What the operators allow this tenant (migrate_hub/tenants/quotas.py); empty = the installation's default.
    max_stored_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    max_running_jobs = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_machines_a_project = models.PositiveIntegerField(null=True, blank=True)
    max_projects = models.PositiveIntegerField(null=True, blank=True)
    max_members = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_tokens = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person may do for a tenant. Read before a tenant is known, so ids and the role only."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_a_person"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} is {self.role} of {self.tenant_id}"


class TenantQuerySet(models.QuerySet["TenantModel"]):
    """Rows of the current tenant."""


class TenantManager(models.Manager[Any]):
    """Filters by the current tenant and raises when there is none; row-level security is the second lock.

    The filter stays although the policy says the same: with it the planner knows how many rows a tenant has.
    """

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(tenant_id=current_tenant_id())

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        tenant_id = current_tenant_id()
        rows = list(objs)
        for row in rows:
            row.tenant_id = tenant_id
        return super().bulk_create(rows, *args, **kwargs)

    def create(self, **kwargs: Any) -> Any:
        return super().create(tenant_id=current_tenant_id(), **kwargs)


class TenantModel(models.Model):
    """A row that belongs to one tenant: reached through `objects` inside tenant_context, and only so."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)

    objects: ClassVar[TenantManager] = TenantManager()

    class Meta:
        abstract = True

    @classmethod
    def new(cls, **fields: Any) -> Self:
        """An unsaved row of the current tenant."""
        return cls(tenant_id=current_tenant_id(), **fields)


class RemovedMember(TenantModel):
    """Somebody whom this tenant took out: only an owner or an invitation lets them in again, no company sign-in."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="one_removal_a_person")]

    def __str__(self) -> str:
        return f"{self.user_id} was removed from {self.tenant_id}"


class Project(TenantModel):
    """Where a customer's estate lives: appliances, machines, groups and assessments hang below it."""

    name = models.CharField(max_length=200)
    target_region = models.CharField(max_length=64)
    currency = models.CharField(max_length=3, default="USD")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=Q(deleted_at=None), name="project_name_once_a_tenant"
            )
        ]

    def __str__(self) -> str:
        return self.name


class TokenKind(models.TextChoices):
    ACCESS = "access", "a person's access token"
    APPLIANCE = "appliance", "an appliance's token"
    REGISTRATION = "registration", "a one-time registration key"


# The prefix tells people, logs and secret scanners what they have found.
TOKEN_PREFIXES = {TokenKind.ACCESS: "mhat", TokenKind.APPLIANCE: "mhap", TokenKind.REGISTRATION: "srvk"}


def new_secret() -> str:
    """256 random bits, so a fast hash is enough to store it."""
    return secrets.token_urlsafe(32)


class Token(models.Model):
    """A credential of one of three kinds, stored as a SHA-256 of its secret.

    Read before a tenant is known, so ids, hashes, role and state only. The wire form is `prefix_id.secret`.
    An appliance may hold two: after a rotation the old one lives until the new one is first used.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=TokenKind.choices)
    secret_sha256 = models.BinaryField(max_length=32)
    role = models.CharField(max_length=20, choices=Role.choices, null=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    appliance_id = models.UUIDField(null=True)
    epoch = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    first_used_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "kind", "created_at"], name="token_by_tenant"),
            models.Index(fields=["appliance_id"], name="token_by_appliance", condition=~Q(appliance_id=None)),
        ]
        constraints = [
            models.CheckConstraint(
                name="token_fits_its_kind",
                condition=(
                    Q(kind=TokenKind.ACCESS, role__in=Role.values, user__isnull=False, appliance_id=None)
                    | Q(
                        kind__in=[TokenKind.APPLIANCE, TokenKind.REGISTRATION],
                        role=None,
                        user=None,
                        appliance_id__isnull=False,
                    )
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} token {self.id}"

    def is_valid_at(self, now: Any) -> bool:
        return self.revoked_at is None and now < self.expires_at


class TokenLabel(TenantModel):
    """What the person called their token; apart from the token, which is read before a tenant is known."""

    token_id = models.UUIDField()
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "token_id"], name="one_label_a_token")]

    def __str__(self) -> str:
        return self.name


class AuditEvent(TenantModel):
    """Who did what, written in the transaction that did it. The runtime role may insert and read, nothing else."""

    at = models.DateTimeField(default=timezone.now, editable=False)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.UUIDField(null=True)
    detail = models.JSONField(default=dict)
    user_id = models.UUIDField(null=True)
    token_id = models.UUIDField(null=True)
    appliance_id = models.UUIDField(null=True)
    by_operator = models.BooleanField(default=False, help_text="Done in the operators' admin, not by a member.")
    ip_address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-at", "id"], name="audit_by_time")]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"


class SignInThrottle(models.Model):
    """Failed sign-ins of one account or one address: kept in PostgreSQL because a cache is neither atomic nor safe."""

    key_sha256 = models.BinaryField(primary_key=True, max_length=32)
    failures = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.failures} failures"


class PersonSession(AbstractBaseSession):
    """A session of the portal that knows whose it is, so that a person can see and end theirs."""

    user_id = models.UUIDField(null=True, db_index=True)

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_module(settings.SESSION_ENGINE).SessionStore


class SecondFactor(models.Model):
    """A person's authenticator app. The row exists once a code of it was accepted; the secret is encrypted."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="second_factor")
    secret_encrypted = models.BinaryField(max_length=500)
    last_step = models.BigIntegerField(help_text="The time step of the last code that was accepted: each works once.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"second factor of {self.user_id}"


class RecoveryCode(models.Model):
    """A code that stands in for the authenticator app once. It has 80 random bits, so a fast hash is enough."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    code_sha256 = models.BinaryField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["factor", "code_sha256"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code {self.id}"


class AccountEvent(models.Model):
    """What happened to a person's account, for that person: it belongs to no tenant. Only ever added to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = models.UUIDField()
    at = models.DateTimeField(default=timezone.now, editable=False)
    action = models.CharField(max_length=64)
    by_operator = models.BooleanField(default=False)
    ip_address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user_id", "-at", "id"], name="account_event_by_time")]

    def __str__(self) -> str:
        return f"{self.action} of {self.user_id}"


class ResetRequest(models.Model):
    """Somebody typed this address at "Forgot your password?". Kept until the worker has mailed, or found nobody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"reset request {self.id}"


class Invitation(models.Model):
    """A link by which one person becomes a member, once. Stored as a SHA-256 of its secret.

    Read before a tenant is known, so ids, hash, role and state only; the address is an InvitationAddress.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    secret_sha256 = models.BinaryField(max_length=32)
    role = models.CharField(max_length=20, choices=Role.choices)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at", "-id"], name="invitation_by_tenant")]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(revoked_at=None), name="invitation_accepted_or_revoked"
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.id}"

    def state_at(self, now: Any) -> str:
        """open, accepted, revoked or expired."""
        if self.accepted_at is not None:
            return "accepted"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


class InvitationAddress(TenantModel):
    """Who is invited; apart from the invitation, which is read before a tenant is known."""

    invitation_id = models.UUIDField()
    email = models.EmailField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "invitation_id"], name="one_address_an_invitation"),
        ]
        indexes = [models.Index(fields=["tenant", "email"], name="invitation_by_address")]

    def __str__(self) -> str:
        return self.email


__all__ = [
    "AccountEvent",
    "AuditEvent",
    "Invitation",
    "InvitationAddress",
    "Membership",
    "PersonSession",
    "Project",
    "RecoveryCode",
    "RemovedMember",
    "ResetRequest",
    "Role",
    "SecondFactor",
    "SignInThrottle",
    "Tenant",
    "TenantForeignKey",
    "TenantManager",
    "TenantModel",
    "Token",
    "TokenKind",
    "TokenLabel",
    "User",
    "uuid7",
]
