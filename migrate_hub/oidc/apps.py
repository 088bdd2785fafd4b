"""The oidc app; its label keeps table names short."""

from django.apps import AppConfig


class OidcConfig(AppConfig):
    name = "migrate_hub.oidc"
    label = "oidc"
    default_auto_field = "django.db.models.BigAutoField"
