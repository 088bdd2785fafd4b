"""What keeps a child that was taken over from the secrets of the process that started it, as far as Linux allows.

A process of the same user may read another one's environment in /proc unless that one is not dumpable, or has
capabilities that the reader has not. The one is for workers of an ordinary user, the other for those of root.
"""

import ctypes
import os
import sys

PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
CAPABILITY_VERSION = 0x20080522


def hide_this_process() -> None:
    """Closes /proc/<pid>/environ, mem and fd of this process to all but root; it leaves no core dumps any more."""
    if sys.platform == "linux":
        _checked(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))


def give_up_privileges() -> None:
    """Drops all capabilities of this process, for good: root without them is a user like others."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
        _checked(libc.capset(ctypes.byref(header), ctypes.byref(none)))


def _checked(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
