"""migrate_hub: the project's wiring, and what every app stands on."""

from migrate_hub.celery import app as celery_app

__all__ = ["celery_app"]
