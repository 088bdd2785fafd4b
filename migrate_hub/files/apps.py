"""The files app; its label keeps table names short."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "migrate_hub.files"
    label = "files"
    default_auto_field = "django.db.models.BigAutoField"
