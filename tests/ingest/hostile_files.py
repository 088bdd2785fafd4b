"""Files that nobody should open, made here: each is small, and harmless as long as it is judged first."""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Mapping

from openpyxl import Workbook

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BOMB_BYTES = 300 * 1024 * 1024
CSV = b"machine,timestamp,metric,value\nsql-01,2026-11-22T10:00:00Z,cpu,5\n"
LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
BILLION_LAUGHS = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY l0 "lol">{LAUGHS}]><worksheet>&l9;</worksheet>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY o SYSTEM "file:///etc/passwd">]><worksheet>&o;</worksheet>'


def workbook() -> bytes:
    """A plain workbook with one sheet, as RVTools names it."""
    book, stream = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.title = "vInfo"
    book.active.append(["VM", "Powerstate", "CPUs", "Memory"])
    book.active.append(["sql-01", "poweredOn", 4, 8192])
    book.save(stream)
    return stream.getvalue()


def repacked(changes: Mapping[str, bytes], *, without: tuple[str, ...] = ()) -> bytes:
    """The plain workbook with parts changed or added."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in without:
                new.writestr(name, changes.get(name, old.read(name)))
        for name in changes.keys() - set(old.namelist()):
            new.writestr(name, changes[name])
    return stream.getvalue()


def zipped(parts: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()


def bomb() -> bytes:
    """A sheet of 300 MB of blanks in 300 KB."""
    head = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, zipfile.ZipFile(io.BytesIO(workbook())) as old:
        for name in old.namelist():
            if name != "xl/worksheets/sheet1.xml":
                archive.writestr(name, old.read(name))
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(head)
            for _ in range(BOMB_BYTES // 2**20):
                part.write(b" " * 2**20)
    return stream.getvalue()


def lying_bomb() -> bytes:
    """The same, which claims in its directory and before the part to be 5 MB."""
    data = bytearray(bomb())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        true_size = next(entry.file_size for entry in archive.infolist() if entry.filename.endswith("sheet1.xml"))
    sizes, claimed = struct.pack("<I", true_size), struct.pack("<I", 5_000_000)
    assert data.count(sizes) >= 1
    return bytes(data.replace(sizes, claimed))


def many_gigabytes() -> bytes:
    """Parts that claim 400 MB each, twenty of them."""
    data = bytearray(repacked({f"xl/media/{i}.bin": bytes([i + 1]) * (5000 + i) for i in range(20)}))
    for i in range(20):
        data = data.replace(struct.pack("<I", 5000 + i), struct.pack("<I", 400_000_000))
    return bytes(data)


def encrypted_zip() -> bytes:
    """Parts with the flag of encryption set in the directory and before each part."""
    data = bytearray(workbook())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


def ole(*streams: str) -> bytes:
    """An OLE container as far as anyone looks: its mark, and a directory with names of streams."""
    return OLE + bytes(504) + b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", *streams))


def too_many_parts() -> bytes:
    return repacked({f"xl/media/image{i}.png": b"x" for i in range(250)})


def two_of_one_name() -> bytes:
    stream = io.BytesIO(workbook())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("XL/Workbook.xml", b"<workbook/>")
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
TYPES = b'<?xml version="1.0"?><Types><Override ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>'
TYPES += b"</Types>"
# What is sent as a workbook, the code of the answer, and words that tell what to do.
AS_WORKBOOK: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "empty_file", "Export it again"),
    "blanks": (lambda: b" \r\n\0\0" * 10, "empty_file", "Export it again"),
    "protected by a label or a password": (
        lambda: ole("EncryptedPackage", "\x06DataSpaces"),
        "protected_workbook",
        "File > Info > Protect Workbook",
    ),
    "old workbook": (lambda: ole("Workbook"), "old_workbook", "File > Save As > Excel Workbook (.xlsx)"),
    "older workbook": (lambda: ole("Book"), "old_workbook", "Save As"),
    "old Word document": (lambda: ole("WordDocument"), "other_kind", "old Office document"),
    "encrypted parts": (encrypted_zip, "protected_workbook", "without a password"),
    "truncated": (lambda: workbook()[:-40], "damaged_workbook", "Export it again".lower()),
    "only its beginning": (lambda: workbook()[:100], "damaged_workbook", "export it again"),
    "a directory that points nowhere": (
        lambda: workbook()[200:].join([b"PK\x03\x04", b""]),
        "damaged_workbook",
        "export",
    ),
    "zip bomb": (bomb, "zip_bomb", "Delete empty rows"),
    "more than a gigabyte": (many_gigabytes, "workbook_too_large", "fewer machines"),
    "too many parts": (too_many_parts, "too_many_parts", "at most 200"),
    "two parts of one name": (two_of_one_name, "suspicious_workbook", "Save it again"),
    "billion laughs": (lambda: repacked({SHEET: BILLION_LAUGHS.encode()}), "document_type", "Save it again"),
    "billion laughs in UTF-16": (
        lambda: repacked({SHEET: BILLION_LAUGHS.replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16")}),
        "document_type",
        "Save it again",
    ),
    "billion laughs behind a comment": (
        lambda: repacked({SHEET: BILLION_LAUGHS.replace("?>", f"?><!--{'x' * 30_000}-->", 1).encode()}),
        "document_type",
        "Save it again",
    ),
    "billion laughs in the styles": (
        lambda: repacked({"xl/styles.xml": BILLION_LAUGHS.encode()}),
        "document_type",
        "Save",
    ),
    "a file from outside": (lambda: repacked({SHEET: OUTSIDE.encode()}), "document_type", "Save it again"),
    "an endless prolog": (
        lambda: repacked({SHEET: b'<?xml version="1.0"?>' + b" " * 200_000}),
        "damaged_workbook",
        "export",
    ),
    "a part that is no XML": (lambda: repacked({SHEET: b"\x01\x02\x03"}), "damaged_workbook", "export it again"),
    "macros": (lambda: repacked({"xl/vbaProject.bin": b"x"}), "macros", "Save As"),
    "macros by type": (lambda: repacked({"[Content_Types].xml": TYPES}), "macros", "Save As"),
    "macros of Excel 4": (lambda: repacked({"xl/macrosheets/sheet1.xml": b"<x/>"}), "macros", "Save As"),
    "an embedded object": (lambda: repacked({"xl/embeddings/oleObject1.bin": b"x"}), "macros", "Save As"),
    "links to other workbooks": (
        lambda: repacked({"xl/externalLinks/externalLink1.xml": b"<x/>"}),
        "external_links",
        "Data > Edit Links > Break Link",
    ),
    "a data connection": (lambda: repacked({"xl/connections.xml": b"<x/>"}), "external_links", "Queries & Connections"),
    "a binary workbook": (
        lambda: zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.bin": b"x"}),
        "other_kind",
        ".xlsb",
    ),
    "a Word document": (
        lambda: zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}),
        "other_kind",
        "Word",
    ),
    "an OpenDocument file": (lambda: zipped({"mimetype": b"x", "content.xml": b"<x/>"}), "other_kind", "OpenDocument"),
    "a zip with the workbook inside": (lambda: zipped({"export.xlsx": workbook()}), "other_kind", "Unpack it"),
    "a zip of photos": (lambda: zipped({"a.jpg": b"x"}), "other_kind", "Choose the exported workbook"),
    "CSV": (lambda: CSV, "other_kind", "plain text"),
    "PDF": (lambda: b"%PDF-1.7\n...", "other_kind", "a PDF document"),
    "PNG": (lambda: b"\x89PNG\r\n\x1a\n...", "other_kind", "a PNG image"),
    "a web page that calls itself a workbook": (lambda: b"\r\n<html><table>", "other_kind", "a web page"),
    "XML": (lambda: b'<?xml version="1.0"?><Workbook/>', "other_kind", "an XML document"),
    "gzip": (lambda: gzip.compress(workbook()), "other_kind", "gzipped"),
    "noise": (lambda: bytes(range(1, 256)) * 8 + b"\0", "other_kind", "binary"),
}
AS_CSV: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "empty_file", "Export it again"),
    "a mark and nothing": (lambda: b"\xef\xbb\xbf\r\n", "empty_file", "Export it again"),
    "a workbook": (workbook, "other_kind", "File > Save As > CSV"),
    "a protected workbook": (lambda: ole("EncryptedPackage"), "protected_workbook", "remove it"),
    "an old workbook": (lambda: ole("Workbook"), "old_workbook", "Save As"),
    "a zip with the CSV inside": (lambda: zipped({"export.csv": CSV}), "other_kind", "send the CSV inside"),
    "PDF": (lambda: b"%PDF-1.7\n...", "other_kind", "a PDF document"),
    "JSON": (lambda: b'{"machines": []}', "other_kind", "a JSON document"),
    "a web page": (lambda: b"<!DOCTYPE html><html>", "other_kind", "a web page"),
    "UTF-32": (lambda: CSV.decode().encode("utf-32"), "encoding", "Save it as UTF-8"),
    "noise": (lambda: bytes(range(256)) * 8, "other_kind", "binary"),
    "another archive": (lambda: b"7z\xbc\xaf\x27\x1c", "other_kind", "7-Zip"),
}
