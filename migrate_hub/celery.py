"""The Celery application: a hint that there is work; the rows of `jobs` are the truth."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_init

from migrate_hub.refusals import told_in_one_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "migrate_hub.settings")

app = Celery("migrate_hub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["ingest.imports"])


@app.on_configure.connect
def refuse_unusable_settings(**kwargs: object) -> None:
    """Reads the settings before Celery does, which would wrap what is wrong with them in a traceback."""
    from django.conf import settings

    with told_in_one_line():
        assert settings.SECRET_KEY


@setup_logging.connect
def keep_our_logging(**kwargs: object) -> None:
    """Stops Celery from replacing the handlers that settings.py configured."""


@worker_init.connect
def refuse_unsafe_role(**kwargs: object) -> None:
    """A worker connected as a superuser or owner would see every tenant: it does not start."""
    from migrate_hub.tenants.startup import refuse_unsafe_database

    refuse_unsafe_database()
