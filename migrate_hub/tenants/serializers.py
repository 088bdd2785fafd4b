"""Shapes of projects, tokens, members and audit events on the wire."""

import unicodedata
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from migrate_hub.tenants.api import StrictSerializer
from migrate_hub.tenants.models import AuditEvent, Invitation, Membership, Project, Role, Tenant
from migrate_hub.tenants.tokens import ACCESS_TOKEN_DAYS, MAX_ACCESS_TOKEN_DAYS

FORBIDDEN_CATEGORIES = {"Cc", "Cs", "Cn", "Co"}


class NameField(serializers.CharField):
    """A name people gave: a text, NFC, no control, surrogate, unassigned or private characters."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 200)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        name = unicodedata.normalize("NFC", super().to_internal_value(data))
        if any(unicodedata.category(character) in FORBIDDEN_CATEGORIES for character in name):
            raise serializers.ValidationError("Control and unassigned characters are not allowed here.", "invalid_text")
        return name


class ProjectIn(StrictSerializer):
    name = NameField()
    target_region = serializers.RegexField(r"^[A-Za-z0-9 ()._-]+$", max_length=64)
    currency = serializers.RegexField(r"^[A-Z]{3}$", default="USD")


class ProjectOut(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["id", "name", "target_region", "currency", "created_at"]
        read_only_fields = fields


class TokenIn(StrictSerializer):
    name = NameField()
    role = serializers.ChoiceField(choices=Role.choices, default=Role.READER)
    expires_in_days = serializers.IntegerField(min_value=1, max_value=MAX_ACCESS_TOKEN_DAYS, default=ACCESS_TOKEN_DAYS)


class TokenOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    user = serializers.UUIDField(source="user_id")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class TokenCreated(TokenOut):
    access_token = serializers.CharField(help_text="Shown this one time.")


class MemberIn(StrictSerializer):
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=Role.choices)


class MemberOut(serializers.ModelSerializer[Membership]):
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Membership
        fields = ["id", "user", "email", "role", "created_at"]
        read_only_fields = fields


class InvitationIn(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=Role.choices, default=Role.READER)


class InvitationOut(serializers.ModelSerializer[Invitation]):
    email = serializers.EmailField()
    state = serializers.SerializerMethodField()
    invited_by = serializers.EmailField(source="invited_by.email", allow_null=True, default=None)

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "state", "invited_by", "created_at", "expires_at", "accepted_at", "revoked_at"]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=["open", "accepted", "revoked", "expired"]))
    def get_state(self, invitation: Invitation) -> str:
        return invitation.state_at(timezone.now())


class InvitationCreated(InvitationOut):
    link = serializers.URLField(help_text="Shown this one time. It works once, for this address only.")
    mailed = serializers.BooleanField(
        allow_null=True, help_text="Whether the link was mailed; null where the hub sends no mail."
    )

    class Meta(InvitationOut.Meta):
        fields = [*InvitationOut.Meta.fields, "link", "mailed"]
        read_only_fields = fields


class TenantIn(StrictSerializer):
    second_factor_required = serializers.BooleanField()


class TenantOut(serializers.ModelSerializer[Tenant]):
    id = serializers.UUIDField(source="public_id")

    class Meta:
        model = Tenant
        fields = ["id", "name", "second_factor_required", "created_at"]
        read_only_fields = fields


class AuditQuery(serializers.Serializer[Any]):
    """Which events; each narrows down."""

    action = serializers.CharField(
        required=False, max_length=64, help_text="An action as `group.create`, or all of a kind as `group`."
    )
    user = serializers.UUIDField(required=False, help_text="The id of the person who did it.")
    since = serializers.DateField(required=False, help_text="The first day, in UTC.")
    until = serializers.DateField(required=False, help_text="The last day, in UTC.")


class AuditOut(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = [
            "id", "at", "action", "object_type", "object_id", "detail", "user_id", "token_id", "appliance_id",
            "by_operator", "ip_address", "request_id",
        ]  # fmt: skip
        read_only_fields = fields


class PersonIn(StrictSerializer):
    name = NameField(allow_blank=True, default="")
