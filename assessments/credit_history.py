"""What the CPU history of machines asks of the credits of burstable sizes: read once, kept with run and roll-ups.

It is bytes, a row of five little-endian 32-bit numbers for each kind of credit terms: the terms (at first, an hour, at
most, all x 10^4), the most cores x comfort factor that they carry (x 10^4) and the minute at which they are spent with
more; no bytes where the history is too short to tell. `engine.credits` explains the numbers.
"""

import base64
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

import msgspec
import numpy as np
from numpy.typing import NDArray

from assessments.catalog.models import Sku
from assessments.engine.credits import MIN_WINDOW_MINUTES, carried, credit_terms
from assessments.engine.fixed_point import IntArray, scaled
from assessments.engine.machines import Credits
from assessments.engine.rule_sets import RULE_SETS
from assessments.engine.settings import Settings
from assessments.engine.values import Catalog
from ingest.packing import quantised
from ingest.percentiles import WINDOWS
from ingest.performance import MachineSeries, read_series
from ingest.rollups import NOTHING_SEEN, Versions, also, kept, menu_window
from ingest.series import Series

NUMBER = np.dtype("<u4")
TERMS, COLUMNS = 3, 5
CPU = Series("", "", "cpu_percent")
MIN_WINDOW = timedelta(minutes=MIN_WINDOW_MINUTES)
# The windows of the menu that are long enough, and the name of what is kept of them with a month's roll-up.
KEPT_WINDOWS = tuple(name for name, length in WINDOWS.items() if length >= MIN_WINDOW)
KEPT_NAME = "cpu_credits_1"
TERMS_KEPT_SECONDS = 60


def terms_to_look_at(settings: Settings, catalog: Catalog, length: timedelta) -> IntArray | None:
    """The credit terms of the catalog's burstable sizes, t x 3; None where a run of this window never takes any."""
    considered = RULE_SETS[settings.rule_set].burstable_by_credits and settings.sizing_criterion == "performance_based"
    return credit_terms(catalog.sizes) if considered and length >= MIN_WINDOW else None


def read_credits(
    machine_ids: Sequence[UUID],
    start_at: datetime,
    end_at: datetime,
    terms: IntArray,
    seen: Versions = NOTHING_SEEN,
) -> dict[UUID, bytes]:
    """The answers of these machines for these terms over [start_at, end_at); machines without points are absent."""
    return read_windows(machine_ids, {"": start_at}, end_at, terms, seen)[""]


class CreditAnswers:
    """The answers of a run's machines: from what is kept for a window of the menu, else made while its points are read
    for their percentiles, so that they are read once."""

    def __init__(self, start_at: datetime, end_at: datetime, terms: IntArray) -> None:
        self._start_at, self._end_at, self._terms = start_at, end_at, terms
        self._found: dict[UUID, bytes] = {}
        self.each = None if menu_window(start_at, end_at) else self._add

    def _add(self, machine: MachineSeries) -> None:
        self._found[machine.machine_id] = of_series(machine, self._start_at, self._terms)

    def of(self, machine_ids: Sequence[UUID], seen: Versions) -> dict[UUID, bytes]:
        """The answers, once the percentiles have been read; machines without points are absent."""
        if self.each is not None:
            return self._found
        return read_credits(machine_ids, self._start_at, self._end_at, self._terms, seen)


def read_windows(
    machine_ids: Sequence[UUID],
    starts: Mapping[str, datetime],
    end_at: datetime,
    terms: IntArray,
    seen: Versions = NOTHING_SEEN,
) -> dict[str, dict[UUID, bytes]]:
    """The same for several windows with one end, by name; `seen` is what `rollups.refresh` answered before.

    Windows of the menu come from what is kept with the roll-ups, where that is of these terms; the rest from the
    points, a few machines at a time.
    """
    found: dict[str, dict[UUID, bytes]] = {name: {} for name in starts}
    unread: Sequence[UUID] = machine_ids
    on_menu = {name: menu_window(start_at, end_at) or "" for name, start_at in starts.items()}
    if set(on_menu.values()) <= set(KEPT_WINDOWS):
        months = {id: _decoder.decode(month) for id, month in kept(KEPT_NAME, machine_ids, end_at, seen).items()}
        of_these = {id: month for id, month in months.items() if all(_is_of(month[w], terms) for w in on_menu.values())}
        found = {name: {id: month[window] for id, month in of_these.items()} for name, window in on_menu.items()}
        unread = sorted(months.keys() - of_these.keys())
    for machine in read_series(unread, min(starts.values()), end_at):
        for name, start_at in starts.items():
            found[name][machine.machine_id] = of_series(machine, start_at, terms)
    return found


def _is_of(answer: bytes, terms: IntArray) -> bool:
    """Whether an answer is of these terms; that a history is too short holds for any."""
    return not answer or np.array_equal(_table(answer)[:, :TERMS], terms)


def _table(answer: bytes) -> NDArray[np.int64]:
    return np.frombuffer(answer, dtype=NUMBER).reshape(-1, COLUMNS).astype(np.int64)


def of_series(machine: MachineSeries, start_at: datetime, terms: IntArray) -> bytes:
    """One machine's answer for these terms over what was read of it from `start_at` on."""
    if CPU not in machine.series:
        return b""
    percent, interval_minutes = _cpu_percent(machine, start_at)
    answer = carried(percent, interval_minutes, terms)
    if answer is None:
        return b""
    return np.column_stack([terms, answer.cores, answer.spent_minute]).astype(NUMBER).tobytes()


def _cpu_percent(machine: MachineSeries, start_at: datetime) -> tuple[NDArray[np.float64], int]:
    """CPU percent from `start_at` on and the minutes of a point, on the coarsest grid that holds the points.

    So that a week reads the same alone and as a part of a month that has finer points in it.
    """
    first = -(-int((start_at - machine.start_at).total_seconds()) // machine.interval_seconds)
    percent, weights = quantised(machine.values[machine.series.index(CPU), first:]), machine.weights[first:]
    minutes = machine.interval_seconds // 60
    slots = np.flatnonzero(~np.isnan(percent))
    step = int(weights[slots].min()) if len(slots) else 1
    if step > 1 and not (slots % step).any():
        return percent[::step], minutes * step
    for later in range(1, int(weights.max(initial=1))):  # a coarser point among finer ones holds for its whole interval
        covered = slots[(weights[slots] > later) & (slots + later < len(percent))] + later
        empty = covered[np.isnan(percent[covered])]
        percent[empty] = percent[empty - later]
    return percent, minutes


# --- kept with the roll-ups -------------------------------------------------------------------------------------------

_decoder = msgspec.msgpack.Decoder(dict[str, bytes])


def of_month(machine_id: UUID, month: MachineSeries) -> bytes:
    """What is kept of a machine's month: the answers for the terms of the current catalog, by window of the menu."""
    terms = _current_terms(int(time.monotonic() // TERMS_KEPT_SECONDS))
    end_at = month.start_at + WINDOWS[max(KEPT_WINDOWS, key=lambda name: WINDOWS[name])]
    return msgspec.msgpack.encode({name: of_series(month, end_at - WINDOWS[name], terms) for name in KEPT_WINDOWS})


@lru_cache(maxsize=1)
def _current_terms(minute: int) -> IntArray:
    """As `credit_terms` of any region of the current catalog; asked again every minute."""
    columns = ("initial_credits", "credits_per_hour", "max_credits")
    known = {f"{column}__isnull": False for column in columns}
    rows = Sku.objects.filter(catalog__is_current=True, series__startswith="b", **known).values_list(*columns)
    return np.unique(scaled(list(rows)).reshape(-1, TERMS), axis=0)


also(KEPT_NAME, of_month)


# --- kept with a run --------------------------------------------------------------------------------------------------


def as_text(answer: bytes | None) -> str:
    """For the JSON of a machine's inputs."""
    return base64.b64encode(answer or b"").decode("ascii")


def credits_of(texts: Iterable[str | None]) -> Credits | None:
    """The engine's value for machines of one run, of what `as_text` gave; None where the run looked at no credits."""
    listed = [None if text is None else base64.b64decode(text) for text in texts]
    answers = [answer for answer in listed if answer is not None]
    if not answers:
        return None
    return credits_of_answers([answer or b"" for answer in listed])


def credits_of_answers(answers: Sequence[bytes]) -> Credits:
    """The engine's value for machines whose answers are all of the same terms."""
    terms = next((_table(answer)[:, :TERMS] for answer in answers if answer), np.zeros((0, TERMS), dtype=np.int64))
    known = np.array([bool(answer) for answer in answers], dtype=np.bool_)
    table = np.zeros((len(answers), len(terms), COLUMNS), dtype=np.int64)
    table[known] = _table(b"".join(answers)).reshape(-1, len(terms), COLUMNS) if len(terms) else 0
    return Credits(terms=terms, known=known, carried=table[:, :, TERMS], spent_minute=table[:, :, TERMS + 1])
