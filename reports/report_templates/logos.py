"""Logos: images from untrusted hands, decoded and drawn anew in a child process under limits."""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from ingest.imports.parsed import Chunk, Options, UnreadableFileError

MIB = 1024 * 1024
MAX_BYTES = 2 * MIB
MAX_PIXELS = 16_000_000
MAX_SIDE = 8_000
KEPT_SIDES = (800, 400)  # sharp in print at the size it is shown
FORMATS = ("PNG", "JPEG")
DRAWN = "logo.png"


def parse(path: Path, _options: Options) -> Iterator[Chunk]:
    """Writes DRAWN beside the file: its pixels alone, no larger than KEPT_SIDES. A parser of ingest.imports.child."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            _refuse_huge(*image.size)
            image.load()
            drawn = image.convert("RGBA" if _has_alpha(image) else "RGB")
    except UnreadableFileError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        detail = "The image is damaged. Open it in an image program, save it as PNG and send that."
        raise UnreadableFileError("damaged_image", detail) from error
    drawn.thumbnail(KEPT_SIDES)
    drawn.save(path.parent / DRAWN, format="PNG")
    yield Chunk()


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _refuse_huge(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        detail = f"The image has {width:,} x {height:,} pixels; at most {MAX_SIDE:,} a side and {MAX_PIXELS:,} in all."
        raise UnreadableFileError("image_too_large", f"{detail} Make it smaller: 800 x 400 are enough.")
