"""`manage.py local`: everything in one terminal, for development and for a first look."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from migrate_hub.local.environment import DEFAULT_DATA_DIR, data_dir_of
from migrate_hub.local.postgres import PostgresFailedError
from migrate_hub.local.redis import RedisFailedError
from migrate_hub.local.services import LocalServices, ServiceFailedError

STARTUP_ERRORS = (PostgresFailedError, RedisFailedError, ServiceFailedError)


class StopRequested(Exception):
    """SIGTERM or SIGINT arrived."""


def stop_on_signals() -> None:
    """Turns SIGTERM and SIGINT into StopRequested, once: a second one does not interrupt the stopping."""

    def request_stop(number: int, frame: FrameType | None) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        raise StopRequested

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, request_stop)


class Command(BaseCommand):
    help = "Starts embedded PostgreSQL and Redis, migrates, loads the catalog, starts web, worker and beat."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
        parser.add_argument("--workers", type=int, default=2, help="Processes of the Celery worker.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop_on_signals()
        data_dir = data_dir_of(["--data-dir", str(options["data_dir"])])
        services = LocalServices(data_dir=data_dir, port=options["port"], workers=options["workers"], say=self._say)
        try:
            with services:
                self.stdout.write(f"ready {services.url}")
                self.stdout.flush()
                self._wait(services)
        except StopRequested:
            self._say("stopped")
        except STARTUP_ERRORS as error:
            raise CommandError(str(error)) from error

    def _wait(self, services: LocalServices) -> None:
        while True:
            signal.sigtimedwait([], 1)
            services.check_alive()

    def _say(self, text: str) -> None:
        self.stderr.write(text)
