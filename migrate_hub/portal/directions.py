"""Characters that turn around the text behind them: "exe.gpj" would read as "jpg.exe". Pages show a mark instead.

Machines are stored as their sources name them, so this is done where they are shown: once, over the finished page.
"""

import re

from ingest.text import DIRECTIONS, REPLACEMENT

_TURNING = re.compile(b"|".join(re.escape(character.encode()) for character in sorted(DIRECTIONS)))
_MARK = REPLACEMENT.encode()


def straight(page: bytes) -> bytes:
    """A page in UTF-8 in which nothing turns text around."""
    return _TURNING.sub(_MARK, page)
