"""Shapes of projects, tokens, members and audit events on the wire."""

import unicodedata
from typing import Any

from rest_framework import serializers

from migrate_hub.tenants.api import StrictSerializer
from migrate_hub.tenants.models import AuditEvent, Membership, Project, Role
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


class AuditOut(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = [
            "id", "at", "action", "object_type", "object_id", "detail", "user_id", "token_id", "appliance_id",
            "by_operator", "ip_address", "request_id",
        ]  # fmt: skip
        read_only_fields = fields
