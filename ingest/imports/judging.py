"""Judges a file before anything opens it: is it what it is said to be, and is it safe to unfold?

Runs in the parser's child process. Each refusal has a code of its own and says what to do. For a workbook that is: the
zip directory is read first (entries, declared sizes, ratio, encryption, macros, links), then the beginning of each XML
part up to its first element, where a document type would have to stand.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.parsers import expat

from ingest.imports.parsed import UnreadableFileError

MIB = 1024 * 1024
MAX_ENTRIES = 200
MAX_INFLATED_BYTES = 1024 * MIB
MAX_RATIO = 100
# Below this a high ratio is harmless: a sheet of blank rows shrinks by hundreds.
RATIO_COUNTS_FROM_BYTES = 10 * MIB
MAX_DIRECTORY_BYTES = MIB
MAX_PROLOG_BYTES = 64 * 1024
PIECE_BYTES = MIB
HEAD_BYTES = 8192
# `workbook` and `image` are no imports: reports take a tenant's own workbook and its logo.
WORKBOOK_FORMATS = frozenset({"rvtools", "workbook"})
IMAGE_FORMATS = frozenset({"image"})
IMAGE_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
# Packed text may come gzipped; nothing else unfolds.
GZIP_FORMATS = frozenset({"performance_csv"})

END_OF_DIRECTORY = b"PK\x05\x06"
END_OF_DIRECTORY_BYTES = 22
MAX_ZIP_COMMENT_BYTES = 65_535
OLE, ZIP, GZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
# How a file of another kind begins, and what it is called.
SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"{\\rtf", "an RTF document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
)


def judge(path: Path, file_format: str) -> None:
    """Returns when the file may be handed to the parser of its format; raises UnreadableFileError otherwise."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head.startswith(OLE):
            _refuse_ole(file)
        judge_head(head, file_format)
        if file_format in WORKBOOK_FORMATS:
            _judge_workbook(file)


def judge_head(head: bytes, file_format: str) -> None:
    """What the first HEAD_BYTES alone give away; it opens nothing, so it may run while the sender waits."""
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise UnreadableFileError("empty_file", "The file is empty. Export it again.")
    if head.startswith(OLE) and file_format not in IMAGE_FORMATS:
        return  # which kind it is stands further in
    if file_format in WORKBOOK_FORMATS:
        _judge_workbook_head(head)
    elif file_format in IMAGE_FORMATS:
        _judge_image_head(head)
    else:
        _judge_text_head(head, gzip_is_welcome=file_format in GZIP_FORMATS)


def _other_kind(kind: str, wanted: str) -> UnreadableFileError:
    return UnreadableFileError("other_kind", f"The file is {kind}, not {wanted}. Choose the exported file itself.")


def _kind_of_text(head: bytes) -> str | None:
    """What text it is when it is no table; None when it may be one."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table")):
        return "a web page"
    if start.startswith(b"<"):
        return "an XML document"
    if start.startswith((b"{", b"[{")):
        return "a JSON document"
    return None


def _signed_kind(head: bytes) -> str | None:
    return next((kind for signature, kind in SIGNATURES if head.startswith(signature)), None)


def _judge_image_head(head: bytes) -> None:
    if not head.startswith(IMAGE_SIGNATURES):
        kind = _signed_kind(head) or _kind_of_text(head) or "of another kind"
        raise UnreadableFileError("other_kind", f"The file is {kind}, not a PNG or JPEG image. Save it as PNG.")


# --- text -----------------------------------------------------------------------------------------------------------


def _judge_text_head(head: bytes, *, gzip_is_welcome: bool) -> None:
    wanted = "a CSV file"
    if head.startswith((ZIP, END_OF_DIRECTORY)):
        kind = "an Excel workbook" if b"[Content_Types].xml" in head or b"xl/" in head else "a zip archive"
        detail = f"The file is {kind}, not {wanted}. "
        detail += "In Excel: File > Save As > CSV UTF-8." if "Excel" in kind else "Unpack it and send the CSV inside."
        raise UnreadableFileError("other_kind", detail)
    if head.startswith(GZIP):
        if gzip_is_welcome:
            return
        raise UnreadableFileError("other_kind", f"The file is gzipped, not {wanted}. Unpack it and send the CSV.")
    kind_found = _signed_kind(head) or _kind_of_text(head)
    if kind_found:
        raise _other_kind(kind_found, wanted)
    if head.startswith(UTF_32):
        raise UnreadableFileError("encoding", "The file is UTF-32. Save it as UTF-8.")
    if b"\0" in head and not head.startswith(UTF_16) and not _looks_like_utf_16(head):
        raise _other_kind("binary", wanted)


def _looks_like_utf_16(head: bytes) -> bool:
    """Latin text in UTF-16 without a mark: every other byte is zero."""
    return any(head[first::2].count(0) > len(head) * 0.4 for first in (0, 1))


# --- workbooks ------------------------------------------------------------------------------------------------------


def _judge_workbook_head(head: bytes) -> None:
    wanted = "an Excel workbook (.xlsx)"
    kind = _signed_kind(head) or _kind_of_text(head)
    if kind:
        raise _other_kind(kind, wanted)
    if head.startswith(GZIP):
        raise _other_kind("gzipped", wanted)
    if not head.startswith((ZIP, END_OF_DIRECTORY)):
        kind = "binary" if b"\0" in head and not head.startswith(UTF_16) else "plain text (CSV?)"
        raise _other_kind(kind, wanted)


def _judge_workbook(file: IO[bytes]) -> None:
    _refuse_large_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            _judge_archive(archive)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise _damaged() from error


def _damaged() -> UnreadableFileError:
    detail = (
        "The workbook is damaged or was cut off on the way. Open it in Excel to see whether it is whole; export it "
    )
    return UnreadableFileError("damaged_workbook", f"{detail}again and send it again.")


def _refuse_ole(file: IO[bytes]) -> None:
    """An OLE container is a protected workbook or one of before 2007: the names of its streams tell."""
    names = {name: name.encode("utf-16-le") for name in ("EncryptedPackage", "DataSpaces", "Workbook", "Book")}
    found = {name for name, encoded in names.items() if _contains(file, encoded)}
    if found & {"EncryptedPackage", "DataSpaces"}:
        detail = (
            "The workbook is protected: it is encrypted by a password or a sensitivity label. In Excel, remove it: "
            "File > Info > Protect Workbook > Encrypt with Password (make it empty), or choose a label without "
            "encryption under Home > Sensitivity; save it and send it again."
        )
        raise UnreadableFileError("protected_workbook", detail)
    if found & {"Workbook", "Book"}:
        detail = (
            "The file is an Excel workbook of before 2007 (.xls). In Excel: File > Save As > Excel Workbook (.xlsx)."
        )
        raise UnreadableFileError("old_workbook", detail)
    raise _other_kind("an old Office document", "an Excel workbook (.xlsx)")


def _contains(file: IO[bytes], wanted: bytes) -> bool:
    file.seek(0)
    tail = b""
    for piece in iter(lambda: file.read(PIECE_BYTES), b""):
        if wanted in tail + piece:
            return True
        tail = piece[-len(wanted) :]
    return False


def _refuse_large_directory(file: IO[bytes]) -> None:
    """The zip directory is read whole by whoever opens the archive: its size and count are looked at before."""
    size = file.seek(0, 2)
    start = max(0, size - END_OF_DIRECTORY_BYTES - MAX_ZIP_COMMENT_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(END_OF_DIRECTORY)
    if at < 0 or len(tail) - at < END_OF_DIRECTORY_BYTES:
        raise _damaged()
    entries = int.from_bytes(tail[at + 10 : at + 12], "little")
    directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    if entries > MAX_ENTRIES:
        raise _too_many_entries(entries)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise UnreadableFileError("suspicious_workbook", "The directory of the workbook is too large to be an export.")
    file.seek(0)


def _too_many_entries(entries: int) -> UnreadableFileError:
    detail = f"The workbook holds {entries} parts; at most {MAX_ENTRIES} are accepted. Send the export as it was made."
    return UnreadableFileError("too_many_parts", detail)


def _judge_archive(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise _too_many_entries(len(entries))
    names = [entry.filename.replace("\\", "/").lstrip("/").lower() for entry in entries]
    if len(set(names)) != len(names):
        raise UnreadableFileError("suspicious_workbook", "The workbook holds two parts of one name. Save it again.")
    if any(entry.flag_bits & 0x1 for entry in entries):
        detail = "The archive is encrypted. Save the workbook without a password and send it again."
        raise UnreadableFileError("protected_workbook", detail)
    _refuse_bomb(entries)
    _refuse_other_archives(names)
    _refuse_content(names)
    for entry, name in zip(entries, names, strict=True):
        if name.endswith((".xml", ".rels", ".vml")):
            with archive.open(entry) as part:
                _judge_prolog(part, is_content_types=name == "[content_types].xml")


def _refuse_bomb(entries: list[zipfile.ZipInfo]) -> None:
    inflated = sum(entry.file_size for entry in entries)
    if inflated > MAX_INFLATED_BYTES:
        detail = (
            f"Unpacked the workbook would be {inflated // MIB:,} MiB; at most {MAX_INFLATED_BYTES // MIB:,} MiB are "
        )
        raise UnreadableFileError("workbook_too_large", f"{detail}accepted. Export fewer machines a file.")
    sizes = [(entry.file_size, entry.compress_size) for entry in entries]
    sizes.append((inflated, sum(entry.compress_size for entry in entries)))
    if any(size > RATIO_COUNTS_FROM_BYTES and size > MAX_RATIO * max(packed, 1) for size, packed in sizes):
        detail = f"A part of the workbook unfolds to more than {MAX_RATIO} times its size, as only a zip bomb does. "
        raise UnreadableFileError("zip_bomb", f"{detail}Delete empty rows below the data, save it and send it again.")


@dataclass(frozen=True)
class _Other:
    """An archive that is no workbook of 2007 and later: the part that gives it away."""

    prefix: str
    kind: str
    remedy: str


SAVE_AS = "In Excel: File > Save As > Excel Workbook (.xlsx)."
OTHER_ARCHIVES = (
    _Other("xl/workbook.bin", "a binary Excel workbook (.xlsb)", SAVE_AS),
    _Other("word/", "a Word document", "Choose the exported workbook itself."),
    _Other("ppt/", "a PowerPoint presentation", "Choose the exported workbook itself."),
    _Other("content.xml", "an OpenDocument file", "Save it as an Excel workbook (.xlsx)."),
)


def _refuse_other_archives(names: list[str]) -> None:
    for other in OTHER_ARCHIVES:
        if any(name.startswith(other.prefix) for name in names):
            raise UnreadableFileError("other_kind", f"The file is {other.kind}. {other.remedy}")
    if "xl/workbook.xml" in names or "[content_types].xml" in names:
        return
    inside = next((name for name in names if name.endswith((".xlsx", ".csv"))), None)
    remedy = "Unpack it and send the file inside." if inside else "Choose the exported workbook itself."
    raise UnreadableFileError("other_kind", f"The file is a zip archive, not a workbook. {remedy}")


MACROS = ("xl/vbaproject", "xl/macrosheets/", "xl/dialogsheets/", "xl/activex/", "xl/embeddings/", "xl/ctrlprops/")
LINKS = ("xl/externallinks/", "xl/connections.xml", "xl/querytables/")


def _macros() -> UnreadableFileError:
    detail = f"The workbook holds macros or embedded objects, which are never opened here. {SAVE_AS}"
    return UnreadableFileError("macros", detail)


def _refuse_content(names: list[str]) -> None:
    if any(name.startswith(MACROS) or name.endswith("vbaproject.bin") for name in names):
        raise _macros()
    if any(name.startswith(LINKS) for name in names):
        detail = (
            "The workbook is linked to other files or data sources. In Excel: Data > Edit Links > Break Link (and Data "
            "> Queries & Connections > Delete), save it and send it again."
        )
        raise UnreadableFileError("external_links", detail)


class _FirstElement(Exception):
    """The prolog of an XML part is over."""


def _judge_prolog(part: IO[bytes], *, is_content_types: bool) -> None:
    """Refuses a document type, in whatever encoding it is written. Reads no further than the first element."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = _stop
    try:
        for piece in _pieces(part, MAX_PROLOG_BYTES):
            parser.Parse(piece)
    except _FirstElement:
        if is_content_types:
            _refuse_macro_types(part)
        return
    except expat.ExpatError as error:
        raise _damaged() from error
    raise _damaged()


def _pieces(part: IO[bytes], most: int) -> Iterator[bytes]:
    """The beginning of a part, in small pieces: expat must not run far past the first element."""
    for _ in range(0, most, 1024):
        piece = part.read(1024)
        if not piece:
            return
        yield piece


def _refuse_document_type(*_: object) -> None:
    detail = "A part of the workbook declares a document type, which no export does. Save it again in Excel."
    raise UnreadableFileError("document_type", detail)


def _stop(*_: object) -> None:
    raise _FirstElement


def _refuse_macro_types(part: IO[bytes]) -> None:
    part.seek(0)
    if b"macroenabled" in part.read(MIB).lower():
        raise _macros()
