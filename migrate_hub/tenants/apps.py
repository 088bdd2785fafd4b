"""The tenants app; its label keeps table names short."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "migrate_hub.tenants"
    label = "tenants"
    default_auto_field = "django.db.models.BigAutoField"
