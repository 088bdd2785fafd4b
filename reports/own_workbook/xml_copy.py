"""Copies an XML part of a workbook element by element, so that single ones can be changed and all else stays.

Names keep their prefixes and attributes their order: nothing is understood that needs not be. Comments and processing
instructions, which no office writes into these parts, are lost.
"""

from collections.abc import Callable
from typing import IO
from xml.parsers import expat

from ingest.imports.parsed import UnreadableFileError

PIECE_BYTES = 256 * 1024
MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
Attributes = dict[str, str]


def escaped(text: str) -> str:
    """Text between tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def quoted(text: str) -> str:
    """The value of an attribute."""
    return escaped(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def tag(name: str, attributes: Attributes) -> str:
    """A start tag."""
    told = "".join([f' {key}="{quoted(value)}"' for key, value in attributes.items()])
    return f"<{name}{told}>"


def refuse_document_type(*_: object) -> None:
    """Judged before; refused again by whoever parses."""
    raise UnreadableFileError("document_type", "A part of the workbook declares a document type. Save it again.")


def damaged(part: str) -> UnreadableFileError:
    """A part that is no XML."""
    return UnreadableFileError("damaged_workbook", f"The part {part} of the workbook is damaged. Save it again.")


class XmlReader:
    """Walks over a part; subclasses override start, end and text. Names of the main namespace lose their prefix."""

    def __init__(self) -> None:
        self.prefix = ""
        self.is_root = True

    def read(self, source: IO[bytes], part: str) -> None:
        """Raises UnreadableFileError when the part is damaged."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = refuse_document_type
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        try:
            for piece in iter(lambda: source.read(PIECE_BYTES), b""):
                parser.Parse(piece)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise damaged(part) from error

    def _start(self, name: str, attributes: Attributes) -> None:
        if self.is_root:
            self.is_root = False
            prefixes = [key for key, value in attributes.items() if value in MAIN and key.startswith("xmlns:")]
            if prefixes and attributes.get("xmlns") not in MAIN:
                self.prefix = f"{prefixes[0].removeprefix('xmlns:')}:"
        self.start(name, attributes)

    def local(self, name: str) -> str:
        """The name without the prefix of the main namespace; a name of another namespace as it is."""
        return name.removeprefix(self.prefix) if self.prefix else name

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Characters."""


class XmlCopy(XmlReader):
    """Copies a part; what `change` does to the attributes of an element is what is written."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__()
        self.write = write
        self.write(DECLARATION)

    def change(self, name: str, attributes: Attributes) -> None:
        """Where a subclass changes attributes; `name` without the prefix of the main namespace."""

    def start(self, name: str, attributes: Attributes) -> None:
        self.change(self.local(name), attributes)
        self.write(tag(name, attributes))

    def end(self, name: str) -> None:
        self.write(f"</{name}>")

    def text(self, text: str) -> None:
        self.write(escaped(text))
