"""The points of a folded day in few bytes and without loss: what has few decimals takes two or three bytes a value.

Each series says how it is written: as hundredths in 2 bytes, as ten-thousandths in 3 bytes, or as float32. It is
written in the shortest way that gives back every bit; points come rounded to 4 decimals, most with no more than 2.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ingest.packing import VALUE

COUNT_BYTES = 2


class Way(IntEnum):
    """How a series is written; the number is the bytes a value takes."""

    NOTHING = 0
    HUNDREDTHS = 2
    TEN_THOUSANDTHS = 3
    FLOAT = 4


NO_HUNDREDTHS, NO_TEN_THOUSANDTHS = 2**16 - 1, 2**24 - 1
HUNDREDTHS = (np.arange(2**16) / 100).astype(VALUE)
HUNDREDTHS[NO_HUNDREDTHS] = np.nan


def pack_values(values: NDArray[np.float32]) -> bytes:
    """Values of shape (series, slots), NaN where there is none."""
    missing = np.isnan(values)
    exact = np.where(missing, 0, values).astype(np.float64)
    ways = np.full(len(values), Way.FLOAT, dtype=np.uint8)
    pieces: list[bytes] = [b""] * len(values)
    for way, scale, none in (
        (Way.TEN_THOUSANDTHS, 1e4, NO_TEN_THOUSANDTHS),
        (Way.HUNDREDTHS, 1e2, NO_HUNDREDTHS),
    ):
        counts = np.rint(exact * scale)
        fits = ((counts >= 0) & (counts < none) & ((counts / scale).astype(VALUE) == exact)).all(axis=1)
        ways[fits] = way
        counts[missing] = none
        if fits.any():
            _lay(pieces, fits, counts, way)
    ways[missing.all(axis=1)] = Way.NOTHING
    for row, chosen in enumerate(ways.tolist()):
        if chosen == Way.FLOAT:
            pieces[row] = values[row].astype(VALUE, copy=False).tobytes()
        elif chosen == Way.NOTHING:
            pieces[row] = b""
    return len(values).to_bytes(COUNT_BYTES, "little") + ways.tobytes() + b"".join(pieces)


def _lay(pieces: list[bytes], rows: NDArray[np.bool_], counts: NDArray[np.float64], way: Way) -> None:
    """The rows of `counts` as numbers of as many bytes as `way` says."""
    as_bytes = np.ascontiguousarray(counts[rows].astype("<u4")).view(np.uint8).reshape(-1, counts.shape[1], 4)
    for row, content in zip(np.flatnonzero(rows).tolist(), as_bytes[:, :, : int(way)], strict=True):
        pieces[row] = content.tobytes()


def unpack_values(packed: memoryview | bytes, slots: int, count: int = 1) -> NDArray[np.float32]:
    """`count` days of equally many series that lie one after the other, shape (count, series, slots)."""
    content = np.frombuffer(packed, dtype=np.uint8)
    ways = _ways(content)
    alike = content.reshape(count, -1) if len(content) % count == 0 else content.reshape(1, -1)
    head = COUNT_BYTES + len(ways)
    if len(alike) == count and (alike[:, :head] == alike[0, :head]).all() and _length(ways, slots) == alike.shape[1]:
        return _unpacked(alike[:, head:], ways, slots)
    days, position = [], 0
    for _ in range(count):
        ways = _ways(content[position:])
        end = position + _length(ways, slots)
        days.append(_unpacked(content[np.newaxis, position + COUNT_BYTES + len(ways) : end], ways, slots))
        position = end
    return np.concatenate(days)


def _ways(content: NDArray[np.uint8]) -> NDArray[np.uint8]:
    series = int.from_bytes(content[:COUNT_BYTES].tobytes(), "little")
    return content[COUNT_BYTES : COUNT_BYTES + series]


def _length(ways: NDArray[np.uint8], slots: int) -> int:
    return COUNT_BYTES + len(ways) + int(ways.sum()) * slots


def _unpacked(body: NDArray[np.uint8], ways: NDArray[np.uint8], slots: int) -> NDArray[np.float32]:
    """Days whose series are written in the same ways, a day a row: neighbors of one way are read together."""
    values = np.empty((len(body), len(ways), slots), dtype=VALUE)
    position = 0
    for rows in np.split(np.arange(len(ways)), np.flatnonzero(np.diff(ways)) + 1):
        if len(rows):
            way, first, beyond = int(ways[rows[0]]), int(rows[0]), int(rows[-1]) + 1
            end = position + way * slots * len(rows)
            numbers = np.ascontiguousarray(body[:, position:end])
            values[:, first:beyond] = _numbers(numbers, way).reshape(-1, len(rows), slots) if way else np.nan
            position = end
    return values


def _numbers(content: NDArray[np.uint8], way: int) -> NDArray[np.float32]:
    if way == Way.FLOAT:
        return content.view(VALUE)
    if way == Way.HUNDREDTHS:
        found: NDArray[np.float32] = HUNDREDTHS[content.view("<u2")]
        return found
    wide = np.zeros((content.size // 3, 4), dtype=np.uint8)
    wide[:, :3] = content.reshape(-1, 3)
    numbers = wide.view("<u4")[:, 0]
    values = (numbers / 1e4).astype(VALUE)
    values[numbers == NO_TEN_THOUSANDTHS] = np.nan
    return values
