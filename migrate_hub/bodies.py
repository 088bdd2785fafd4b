"""Request bodies under limits: inflating gzip with caps on size and members, and a look before parsing."""

import re
import zlib
from collections.abc import Iterable, Iterator

import numpy as np

from migrate_hub.errors import DomainError

MIB = 1024 * 1024
MAX_WIRE_BYTES = 16 * MIB
MAX_INFLATED_BYTES = 64 * MIB
MAX_GZIP_MEMBERS = 64
MAX_STRUCTURE_CHARACTERS = 3_000_000
# A machine or a disk costs hundreds of bytes once it is decoded, however short its text is.
MAX_OBJECTS = 500_000
# Above one of these a body is large: only a few of those are read at a time, since each may cost hundreds of MiB.
LARGE_WIRE_BYTES = MIB
LARGE_INFLATED_BYTES = 2 * MIB
GZIP_MAGIC = b"\x1f\x8b"
GZIP_OVERHEAD_BYTES = 18
PIECE_BYTES = MIB // 4


def too_large(what: str, limit_bytes: int) -> DomainError:
    return DomainError(
        code="body_too_large",
        status=413,
        detail=f"The body {what} is larger than {limit_bytes} bytes. Send fewer machines in one request.",
    )


def _broken_gzip() -> DomainError:
    return DomainError(
        code="invalid_gzip",
        status=400,
        detail="The gzip body is truncated or damaged. Nothing was stored; do not resend it.",
    )


def _dishonest_gzip() -> DomainError:
    return DomainError(
        code="invalid_gzip",
        status=400,
        detail="The gzip body is much larger than its end says. Send it as one member.",
    )


def is_large(size: int, first_two: bytes, last_four: bytes) -> bool:
    """Whether much is to be read: a body's size, or what a gzip body says of itself in its last four bytes."""
    if size > LARGE_WIRE_BYTES:
        return True
    is_gzip = size >= GZIP_OVERHEAD_BYTES and first_two == GZIP_MAGIC
    return is_gzip and int.from_bytes(last_four, "little") > LARGE_INFLATED_BYTES


def inflate(body: bytes, encoding: str, *, max_inflated_bytes: int = MAX_INFLATED_BYTES) -> bytes:
    """The body as it was before `Content-Encoding`; a bomb unfolds no further than `max_inflated_bytes`.

    There is no cap on the ratio: points that are all null shrink by hundreds, and deflate ends at about 1,032 : 1.
    Raises DomainError: 413 body_too_large, 415 unsupported_encoding, 400 invalid_gzip.
    """
    if len(body) > MAX_WIRE_BYTES:
        raise too_large("on the wire", MAX_WIRE_BYTES)
    match encoding.strip().lower():
        case "" | "identity":
            if len(body) > max_inflated_bytes:
                raise too_large("", max_inflated_bytes)
            return body
        case "gzip" | "x-gzip":
            return _gunzip(body, max_inflated_bytes)
    raise DomainError(code="unsupported_encoding", status=415, detail="Content-Encoding must be gzip or identity.")


def _gunzip(body: bytes, max_inflated_bytes: int) -> bytes:
    parts: list[bytes] = []
    honest_bytes = max_inflated_bytes if is_large(len(body), body[:2], body[-4:]) else LARGE_INFLATED_BYTES
    rest, size = body, 0
    for _ in range(MAX_GZIP_MEMBERS):
        inflater = zlib.decompressobj(wbits=31)
        try:
            part = inflater.decompress(rest, min(honest_bytes, max_inflated_bytes) - size + 1)
        except zlib.error as error:
            raise _broken_gzip() from error
        size += len(part)
        if size > max_inflated_bytes:
            raise too_large("inflated", max_inflated_bytes)
        if size > honest_bytes:
            raise _dishonest_gzip()
        if not inflater.eof:
            raise _broken_gzip()
        parts.append(part)
        rest = inflater.unused_data.lstrip(b"\0")
        if not rest:
            return b"".join(parts) if len(parts) > 1 else part
    raise DomainError(
        code="invalid_gzip", status=400, detail=f"The gzip body has more than {MAX_GZIP_MEMBERS} members."
    )


def refuse_heavy_structure(body: bytes) -> None:
    """Refuses bodies that are small but cost much to parse: 64 MiB of `[],` would become 1.5 GB of objects."""
    count = body.count(b",") + body.count(b"[") + body.count(b"{")
    if count > MAX_STRUCTURE_CHARACTERS:
        raise DomainError(
            code="body_too_complex",
            status=413,
            detail=f"The body has more than {MAX_STRUCTURE_CHARACTERS} elements. Send fewer machines in one request.",
        )
    if body.count(b"{") > MAX_OBJECTS:
        raise DomainError(
            code="body_too_complex",
            status=413,
            detail=f"The body has more than {MAX_OBJECTS} objects. Send fewer machines in one request.",
        )


_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_NO_SIGNS = bytes(sorted(set(range(256)) - set(b'[]{}"')))
_BACKSLASHES = re.compile(rb"\\*")


def is_nested_deeper(text: bytes, levels: int) -> bool:
    """Whether the brackets of a JSON text, those inside of its strings left out, are nested deeper than this.

    Looks at a piece at a time: numpy's arrays over 64 MiB of brackets would take gigabytes.
    """
    if _deepest(_pieces(text.translate(None, _NO_BRACKETS))) <= levels:
        return False
    return _deepest(_pieces_without_escapes(text)) > levels


def _pieces(text: bytes) -> Iterator[bytes]:
    for first in range(0, len(text), PIECE_BYTES):
        yield text[first : first + PIECE_BYTES]


def _pieces_without_escapes(text: bytes) -> Iterator[bytes]:
    """The brackets and quotes of a text; a quote that is escaped is left out."""
    first = 0
    while first < len(text):
        last = first + PIECE_BYTES
        if text[last - 1 : last] == b"\\":  # what it escapes belongs to the same piece
            found = _BACKSLASHES.match(text, last)
            last = (found.end() if found else last) + 1
        piece = text[first:last].replace(b"\\\\", b"").replace(b'\\"', b"")
        yield piece.translate(None, _NO_SIGNS)
        first = last


def _deepest(pieces: Iterable[bytes]) -> int:
    """The deepest nesting of brackets outside of quotes."""
    depth, quotes, deepest = 0, 0, 0
    for piece in pieces:
        signs = np.frombuffer(piece, dtype=np.uint8)
        is_quote = signs == ord('"')
        seen = quotes + np.cumsum(is_quote)
        steps = np.where((signs == ord("[")) | (signs == ord("{")), 1, -1)
        steps[is_quote | (seen % 2 == 1)] = 0
        levels = depth + np.cumsum(steps)
        if len(levels):
            depth, quotes, deepest = int(levels[-1]), int(seen[-1]), max(deepest, int(levels.max()))
    return deepest
