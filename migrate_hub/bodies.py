"""Request bodies under limits: inflating gzip with caps on size and members, and a look before parsing."""

import zlib

from migrate_hub.errors import DomainError

MIB = 1024 * 1024
MAX_WIRE_BYTES = 16 * MIB
MAX_INFLATED_BYTES = 64 * MIB
MAX_GZIP_MEMBERS = 64
MAX_STRUCTURE_CHARACTERS = 3_000_000


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
    rest, size = body, 0
    for _ in range(MAX_GZIP_MEMBERS):
        inflater = zlib.decompressobj(wbits=31)
        try:
            part = inflater.decompress(rest, max_inflated_bytes - size + 1)
        except zlib.error as error:
            raise _broken_gzip() from error
        size += len(part)
        if size > max_inflated_bytes:
            raise too_large("inflated", max_inflated_bytes)
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
