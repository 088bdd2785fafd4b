"""What the name of a virtual machine size says: its series, and the active vCPUs of a constrained size."""

import re

SIZE_NAME = re.compile(r"(?:Standard|Basic)_([A-Z]+)(\d+)(?:-(\d+))?([a-z]*)((?:_[A-Za-z0-9]+)*)")

# Quota families whose name says more than the size's: M208ms_v2 is of mv2, M128ms_v2 of msv2.
SERIES_OF_QUOTA_FAMILY = {"standardMSv2Family": "mv2"}


def series_slug(size: str, *, published: str = "", quota_family: str = "") -> str:
    """The series people choose by: "dsv3" for Standard_D4s_v3, "m" for Standard_M128ms.

    `published` is the publisher's own name of the series where there is one; otherwise the size's name is read.
    Raises ValueError for a name of another shape.
    """
    letters, _, suffix, tail = _parts(size)
    if quota_family in SERIES_OF_QUOTA_FAMILY:
        return SERIES_OF_QUOTA_FAMILY[quota_family]
    if published.startswith(letters.lower()):
        return published
    words = tail.split("_")
    version = next((word for word in reversed(words) if re.fullmatch(r"v\d+", word)), "")
    if letters == "M" and not version:
        return "m"
    extra = "".join(word for word in ("cc", "Promo") if word in words)
    # i is isolated; m, l and t are more or less memory, which makes a series of its own only outside A, B and M.
    suffix = re.sub("[imlt]" if letters in "ABM" else "i", "", suffix)
    return f"{letters}{suffix}{version}{extra}".lower()


def constrained_vcpus(size: str) -> int | None:
    """8 for Standard_E32-8s_v5; None for a size that is not constrained."""
    constrained = _parts(size)[1]
    return int(constrained) if constrained else None


def _parts(size: str) -> tuple[str, str, str, str]:
    match = SIZE_NAME.fullmatch(size)
    if match is None:
        raise ValueError(f"not the name of a size: {size!r}")
    letters, _, constrained, suffix, tail = match.groups(default="")
    return letters, constrained, suffix, tail
