"""Shape of a tenant's company sign-in on the wire."""

from typing import Any

from rest_framework import serializers

from migrate_hub.oidc.models import Newcomers
from migrate_hub.tenants.api import StrictSerializer

DOMAIN = r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
PRINTABLE = r"^[\x21-\x7e]+$"
MAX_DOMAINS = 50


class DomainField(serializers.RegexField):
    """The part of an address behind the @, in lower case."""

    default_error_messages = {"invalid": "Write a domain like example.com."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(DOMAIN, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return str(super().to_internal_value(data.lower() if isinstance(data, str) else data))


class CompanySignInIn(StrictSerializer):
    issuer = serializers.RegexField(
        PRINTABLE, max_length=500, help_text="Exactly as the issuer calls itself in its discovery document."
    )
    client_id = serializers.RegexField(PRINTABLE, max_length=255)
    client_secret = serializers.RegexField(
        PRINTABLE, max_length=1000, default="", allow_blank=True, help_text="Never shown again; left out: kept."
    )
    email_domains = serializers.ListField(child=DomainField(), min_length=1, max_length=MAX_DOMAINS)
    newcomers = serializers.ChoiceField(choices=Newcomers.choices, default=Newcomers.REFUSED)
    is_required = serializers.BooleanField(
        default=False, help_text="Members other than owners cannot open the tenant with a password."
    )

    def validate_email_domains(self, domains: list[str]) -> list[str]:
        return sorted(set(domains))


class CompanySignInOut(serializers.Serializer[Any]):
    is_configured = serializers.BooleanField()
    issuer = serializers.CharField()
    client_id = serializers.CharField()
    email_domains = serializers.ListField(child=serializers.CharField())
    confirmed_domains = serializers.ListField(
        child=serializers.CharField(), help_text="Those that the operators confirmed: their addresses find the way."
    )
    newcomers = serializers.ChoiceField(choices=Newcomers.choices)
    is_required = serializers.BooleanField()
    redirect_uri = serializers.CharField(help_text="To be registered at the issuer.")
    sign_in_address = serializers.CharField()
    changed_at = serializers.DateTimeField(allow_null=True)
