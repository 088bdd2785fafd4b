"""A text file of any length as pieces of UTF-8 that end at a line's end: encodings and gzip are dealt with here."""

import codecs
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ingest.imports.parsed import UnreadableFileError

PIECE_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
MAX_INFLATED_BYTES = 64 * 1024**3
GZIP = b"\x1f\x8b"
GZIP_WINDOW = 31
MARKS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class TextPieces:
    """Iterates over the pieces; `position` is how many bytes of the file itself have been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = 0

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            yield from _whole_lines(_as_utf_8(self._unpacked(file)))

    def _read(self, file: IO[bytes]) -> Iterator[bytes]:
        for piece in iter(lambda: file.read(PIECE_BYTES // 8), b""):
            self.position += len(piece)
            yield piece

    def _unpacked(self, file: IO[bytes]) -> Iterator[bytes]:
        is_packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        return _inflated(self._read(file)) if is_packed else self._read(file)


def _inflated(packed: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip file of one or more members, in pieces of bounded size however well it is packed."""
    inflater, size, is_first = zlib.decompressobj(wbits=GZIP_WINDOW), 0, True
    for piece in packed:
        rest = piece
        while rest:
            if inflater.eof:
                rest = rest.lstrip(b"\0")
                if not rest.startswith(GZIP[:1]):
                    break
                inflater = zlib.decompressobj(wbits=GZIP_WINDOW)
            try:
                found = inflater.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise _damaged() from error
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            size, is_first = size + len(found), False
            if size > MAX_INFLATED_BYTES:
                raise UnreadableFileError("file_too_long", "Unpacked the file is longer than 64 GiB. Split it.")
            yield found
    # Output may be held back although the input is used up.
    while not inflater.eof and (found := inflater.decompress(b"", PIECE_BYTES)):
        yield found
    if is_first or not inflater.eof:
        raise _damaged()


def _damaged() -> UnreadableFileError:
    detail = "The gzip file is damaged or was cut off on the way. Pack it again and send it again."
    return UnreadableFileError("damaged_gzip", detail)


def _as_utf_8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-16 with a mark or of Latin text becomes UTF-8; the mark of UTF-8 goes."""
    first = next(pieces, b"")
    encoding = next((name for mark, name in MARKS if first.startswith(mark)), None)
    first = first[2:] if encoding else first.removeprefix(codecs.BOM_UTF8)
    encoding = encoding or _guessed(first)
    if encoding is None:
        yield first
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    yield decoder.decode(first).encode()
    for piece in pieces:
        yield decoder.decode(piece).encode()


def _guessed(first: bytes) -> str | None:
    head = first[:4096]
    for name, offset in (("utf-16-le", 1), ("utf-16-be", 0)):
        if len(head) > 3 and head[offset::2].count(0) > len(head) * 0.4:
            return name
    return None


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Collects pieces up to about PIECE_BYTES and cuts behind the last line's end."""
    collected: list[bytes] = []
    size = 0
    for piece in pieces:
        collected.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            text = b"".join(collected)
            end = _last_line_end(text)
            yield _readable(text[:end])
            collected, size = [text[end:]], len(text) - end
            if size > MAX_LINE_BYTES:
                raise _long_line()
    if size:
        text = b"".join(collected)
        yield _readable(text)


def _last_line_end(text: bytes) -> int:
    """Where the last line ends; old Macs end lines with a lone carriage return."""
    end = text.rfind(b"\n") + 1 or text.rfind(b"\r") + 1
    if not end:
        raise _long_line()
    return end


def _long_line() -> UnreadableFileError:
    detail = f"A line is longer than {MAX_LINE_BYTES:,} characters, or the lines have no ends. Export the file as CSV."
    return UnreadableFileError("long_line", detail)


def _readable(text: bytes) -> bytes:
    """A piece as UTF-8: what is not, is taken as Windows-1252, which the rest of the world exports."""
    if b"\0" in text:
        raise UnreadableFileError("other_kind", "The file holds binary data, it is no CSV file. Export it as CSV.")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            text = text.decode("cp1252", errors="replace").encode()
    return text if b"\r" not in text else text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
