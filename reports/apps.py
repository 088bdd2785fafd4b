"""The reports app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "reports"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from migrate_hub.tenants.people import register_ending  # models are not there before
        from reports.sharing import revoke_links_made_by
        from reports.work import register_all

        register_all()
        register_ending("reports", revoke_links_made_by)
