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
    kind = np.min_scalar_type(max(len(ranks.table) - 1, 0))
    header = HEADER.pack(len(ranks.table), kind.itemsize)
    # All first bytes, then all second bytes: most of them are the same in all ranks.
    table = np.frombuffer(b"".join(ranks.table), dtype=np.uint8).reshape(-1, RANK_BYTES).T.tobytes()
    return _compressed(header + table + ranks.index.astype(kind.newbyteorder("<")).tobytes())


@functools.lru_cache(maxsize=64)
def _compressed(content: bytes) -> bytes:
    return zlib.compress(content, 6)


def unpack_ranks(packed: bytes | memoryview, shape: tuple[int, int]) -> Ranks:
    """The ranks of one folded day with values of this shape (series, slots)."""
    content = zlib.decompress(packed)
    count, size = HEADER.unpack_from(content)
    end = HEADER.size + count * RANK_BYTES
    columns = np.frombuffer(content[HEADER.size : end], dtype=np.uint8).reshape(RANK_BYTES, count)
    table = [rank.tobytes() for rank in columns.T]
    index: NDArray[np.integer] = np.frombuffer(content, dtype=f"<u{size}", offset=end)
    return Ranks(table, index.reshape(1, *shape))
