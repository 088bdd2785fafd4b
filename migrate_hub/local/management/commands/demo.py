"""`manage.py demo`: the whole story on the running services, from two empty tenants to their workbooks."""

import os
import signal
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from migrate_hub.local.demo.appliance import BatchTooLarge, Refused, Unreachable
from migrate_hub.local.demo.cast import TENANTS, CommandFailed, password_of
from migrate_hub.local.demo.display import Display
from migrate_hub.local.demo.estates import Estate, GeneratedEstate, RecordedEstate
from migrate_hub.local.demo.play import Play
from migrate_hub.local.demo.story import StoryFailed
from migrate_hub.local.demo.summary import SignIn, print_summary, print_where_to_look
from migrate_hub.local.demo.trace import TraceError
from migrate_hub.local.environment import DEFAULT_DATA_DIR, PROJECT_DIR, data_dir_of
from migrate_hub.local.management.commands.local import STARTUP_ERRORS, StopRequested, stop_on_signals
from migrate_hub.local.services import LocalServices

MIN_MACHINES, MAX_MACHINES = 2, 20_000
CLIENT_ERRORS = (Refused, Unreachable, BatchTooLarge, httpx.TransportError)
STORY_ERRORS = (*STARTUP_ERRORS, *CLIENT_ERRORS, TraceError, StoryFailed, CommandFailed)
WIDTH_WITHOUT_TERMINAL = 110


def machine_count(text: str) -> int:
    if not text.isdecimal() or not MIN_MACHINES <= int(text[:9]) <= MAX_MACHINES:
        raise ArgumentTypeError(f"give a whole number from {MIN_MACHINES} to {MAX_MACHINES:,}")
    return int(text)


class Command(BaseCommand):
    help = "Plays a whole story through the REST API: two tenants, their estates, assessments and workbooks."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--machines", type=machine_count, default=500, help=f"From {MIN_MACHINES} to {MAX_MACHINES:,}."
        )
        parser.add_argument("--trace", type=Path, help="Play this recorded history instead.")
        parser.add_argument("--once", action="store_true", help="Stop everything after the summary.")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR)
        parser.add_argument("--output-dir", type=Path, default=PROJECT_DIR / "demo-output", help="For the workbooks.")
        parser.add_argument("--workers", type=int, default=2, help="Processes of the Celery worker.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop_on_signals()
        console = console_of_people()
        try:
            self._run(console, options)
        except StopRequested:
            console.print("stopped", style="dim")
        except STORY_ERRORS as error:
            raise CommandError(str(error)) from error

    def _run(self, console: Console, options: dict[str, Any]) -> None:
        display = Display(console)
        estate: Estate = RecordedEstate(options["trace"]) if options["trace"] else GeneratedEstate(options["machines"])
        data_dir = data_dir_of(["--data-dir", str(options["data_dir"])])
        services = LocalServices(data_dir=data_dir, port=options["port"], workers=options["workers"], say=display.say)
        with services:
            play = Play(
                url=services.url,
                estate=estate,
                folder=data_dir / "demo",
                output=options["output_dir"].resolve(),
                secret_key=os.environ["SECRET_KEY"],
                display=display,
                check_alive=services.check_alive,
            )
            self._show(console, play)
            if console.is_terminal and not options["once"]:
                console.print("\nThe site runs. Ctrl-C stops it.", style="dim")
                self._wait(services)

    def _show(self, console: Console, play: Play) -> None:
        outcomes, counts = play.run()
        print_summary(console, outcomes, counts)
        print_where_to_look(
            console,
            url=play.url,
            sign_ins=[SignIn(one.name, one.owner_email, password_of(one, play.secret_key)) for one in TENANTS],
            workbooks=[outcome.workbook for outcome in outcomes],
        )

    def _wait(self, services: LocalServices) -> None:
        while True:
            signal.sigtimedwait([], 1)
            services.check_alive()


def console_of_people() -> Console:
    """Standard output: colors and bars on a terminal, plain text of a fixed width elsewhere."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    is_terminal = sys.stdout.isatty()
    return Console(force_terminal=is_terminal, width=None if is_terminal else WIDTH_WITHOUT_TERMINAL, highlight=False)
