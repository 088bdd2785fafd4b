"""The local app; its label keeps table names short."""

from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "migrate_hub.local"
    label = "local"
    default_auto_field = "django.db.models.BigAutoField"
