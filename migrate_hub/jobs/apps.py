"""The jobs app; its label keeps table names short."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "migrate_hub.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
