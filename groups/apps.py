"""The groups app: adds `?group=` to the machine list, which knows no groups by itself."""

from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "groups"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from groups.filters import by_group
        from ingest.filters import MACHINE_FILTERS

        MACHINE_FILTERS["group"] = by_group
