"""The ingest app."""

from django.apps import AppConfig
from prometheus_client import REGISTRY


class IngestConfig(AppConfig):
    name = "ingest"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from ingest.history_metrics import HistoryCollector  # models are not there before
        from ingest.imports.work import register_all

        REGISTRY.register(HistoryCollector())
        register_all()
