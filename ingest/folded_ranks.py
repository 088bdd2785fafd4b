"""Which block each value of a folded day came from, in few bytes: nearly all machines of an upload share them."""

import functools
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from ingest.merging import RANK_BYTES, Ranks

# How many ranks there are, and the bytes of an index into them.
HEADER = struct.Struct("<IB")


def pack_ranks(ranks: Ranks) -> bytes:
    """The ranks of values of shape (series, slots), compressed."""
    kind = np.min_scalar_type(max(len(ranks.table) - 1, 0)).newbyteorder("<")
    header = HEADER.pack(len(ranks.table), kind.itemsize)
    # Differences, modulo what fits, are mostly zero: all first bytes of the ranks, then all second bytes, and so on.
    table = np.frombuffer(b"".join(ranks.table), dtype=np.uint8).reshape(-1, RANK_BYTES).T
    index = ranks.index.astype(kind).ravel()
    steps = np.diff(table, axis=1, prepend=np.uint8(0)).tobytes() + np.diff(index, prepend=kind.type(0)).tobytes()
    return _compressed(header + steps)


@functools.lru_cache(maxsize=64)
def _compressed(content: bytes) -> bytes:
    return zlib.compress(content, 6)


def unpack_ranks(packed: bytes | memoryview, shape: tuple[int, int]) -> Ranks:
    """The ranks of one folded day with values of this shape (series, slots)."""
    content = zlib.decompress(packed)
    count, size = HEADER.unpack_from(content)
    end = HEADER.size + count * RANK_BYTES
    columns = np.frombuffer(content[HEADER.size : end], dtype=np.uint8).reshape(RANK_BYTES, count)
    table = [rank.tobytes() for rank in columns.cumsum(axis=1, dtype=np.uint8).T]
    steps = np.frombuffer(content, dtype=f"<u{size}", offset=end)
    index: NDArray[np.integer] = steps.cumsum(dtype=steps.dtype)
    return Ranks(table, index.reshape(1, *shape))
