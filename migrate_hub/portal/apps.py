"""The portal app; its label keeps table names short."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "migrate_hub.portal"
    label = "portal"
    default_auto_field = "django.db.models.BigAutoField"
