"""Is a folder shared with other computers?

SQLite's write-ahead log needs memory that all its users share, hence one computer
(sqlite.org/wal.html); over a network it may lose what was written.
"""

from __future__ import annotations

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = re.compile(
    r"(nfs\d*|cifs|smb\d*|smbfs|afs|ncpfs|9p|virtiofs|vboxsf|ceph|lustre|glusterfs|gfs2|ocfs2"
    r"|fuse\..*)"
)


def is_shared(folder: Path) -> bool:
    """Tell whether a folder lies on a network's file system; without Linux's list, it does not."""
    try:
        mounts = _MOUNTS.read_text(errors="replace")
    except OSError:
        return False
    return _NETWORK.fullmatch(file_system_of(folder.resolve(), mounts)) is not None


def file_system_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds a folder, by lines as of /proc/self/mounts."""
    found = {}
    for line in mounts.splitlines():
        _, point, kind, *_ = line.split(" ")
        # blanks and the like are written as \\040
        name = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
        found[Path(name)] = kind  # the last one mounted there is the one seen
    return next((found[each] for each in (folder, *folder.parents) if each in found), "")
