"""In whose name and colors a report is made, and whether its text can be read in them."""

import re
from dataclasses import dataclass

ACCENT = "#1E4E79"
PALE = "#EAF1F8"
PALER = "#8FB4D6"
SAVED_COLOR = "#2E9E6B"
TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3: text of ordinary size on its background
SHAPE_CONTRAST = 1.5  # a bar beside which its value is written must be seen, no more
WHITE = "#FFFFFF"
HEX_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
PALE_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Name, logo (a PNG) and colors; what is not given is ours.

    `primary` is behind white headings, and titles are written in it; `secondary` is of parts of a whole in charts,
    `highlight` of what is saved.
    """

    display_name: str = ""
    logo: bytes | None = None
    primary: str = ACCENT
    secondary: str = PALER
    highlight: str = SAVED_COLOR

    @property
    def pale(self) -> str:
        """The background of what stands out: the primary color, nearly white."""
        return PALE if self.primary == ACCENT else mixed(self.primary, WHITE, PALE_SHARE)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def mixed(color: str, other: str, share: float) -> str:
    """`share` of the one color and the rest of the other."""
    parts = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(one * share + two * (1 - share)):02X}" for one, two in parts)


def luminance(color: str) -> float:
    """Relative luminance, from 0 (black) to 1 (white): WCAG 2.2."""
    shares = [channel / 255 for channel in _channels(color)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white): WCAG 2.2."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def text_contrast(primary: str) -> float:
    """Of titles in this color on white and on its own pale background, and of white headings on it: the least."""
    return contrast(primary, mixed(primary, WHITE, PALE_SHARE))


def darkened(primary: str) -> str:
    """The nearest darker shade in which text can be read."""
    share = 1.0
    while text_contrast(mixed(primary, "#000000", share)) < TEXT_CONTRAST:
        share -= 0.02
    return mixed(primary, "#000000", share)


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header that every PNG begins with."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
