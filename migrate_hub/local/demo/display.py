"""Progress as people see it: bars on a terminal, plain lines anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

PLAIN_EVERY_PERCENT = 25


class Bar(Protocol):
    """One piece of work of a known size."""

    def at(self, done: float, note: str = "") -> None:
        """Shows how much is done, with a few words beside it."""
        ...


class TerminalBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def at(self, done: float, note: str = "") -> None:
        self._progress.update(self._task, completed=done, note=note)


class PlainBar:
    """A line whenever another quarter is done."""

    def __init__(self, console: Console, title: str, total: float) -> None:
        self._console = console
        self._title = title
        self._total = total
        self._next_percent = PLAIN_EVERY_PERCENT

    def at(self, done: float, note: str = "") -> None:
        percent = int(100 * done / self._total)
        if percent < self._next_percent:
            return
        self._next_percent = percent - percent % PLAIN_EVERY_PERCENT + PLAIN_EVERY_PERCENT
        self._console.print(f"{self._title}: {percent} %  {note}".rstrip(), highlight=False, soft_wrap=True)


class Display:
    """Bars that stay when they are full. Threads may share one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._progress = Progress(
            _Mark(),
            TextColumn("[bold]{task.fields[who]}"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=26),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            refresh_per_second=8,
        )

    def say(self, text: str) -> None:
        self.console.print(text, style="dim", highlight=False, soft_wrap=True)

    @contextmanager
    def bars(self) -> Iterator[None]:
        """While inside, the bars are drawn below whatever else is printed."""
        if not self.console.is_terminal:
            yield
            return
        with self._progress:
            yield

    def bar(self, who: str, what: str, total: float) -> Bar:
        total = max(total, 1)
        if not self.console.is_terminal:
            return PlainBar(self.console, f"{who}: {what}", total)
        return TerminalBar(self._progress, self._progress.add_task(what, total=total, who=who, note=""))


class _Mark(ProgressColumn):
    """A tick for what is finished."""

    def render(self, task: Task) -> Text:
        return Text("✓", style="green") if task.finished else Text("•", style="cyan")
