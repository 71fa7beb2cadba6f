"""Which file systems a data directory may be on: not those of another machine.

Locks do not hold reliably across a network, and SQLite and Chroma lose data without them:
https://sqlite.org/howtocorrupt.html#_file_locking_problems
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from citewise.errors import RegistryError

_NETWORK = frozenset(
    [
        "9p",
        "acfs",
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "gfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "ncp",
        "nfs",
        "nfs3",
        "nfs4",
        "ocfs2",
        "orangefs",
        "pvfs2",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "sshfs",
        "webdav",
    ]
)
# Of file systems in user space these reach another machine; the rest (NTFS, encryption, …) does not.
_NETWORK_FUSE = frozenset(
    [
        "afp",
        "blobfuse",
        "blobfuse2",
        "ceph",
        "cifs",
        "curlftpfs",
        "davfs",
        "davfs2",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "google-drive-ocamlfuse",
        "httpdirfs",
        "juicefs",
        "mount-s3",
        "moosefs",
        "nfs",
        "onedriver",
        "rclone",
        "s3backer",
        "s3fs",
        "seaweedfs",
        "smbnetfs",
        "sshfs",
    ]
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_MAC_LINE = re.compile(r"^.* on (?P<point>/.*) \((?P<kind>[^,)]+)[^)]*\)$")


def refuse_network(directory: Path) -> None:
    """Pass a directory of this machine; where that cannot be told, any.

    Raises:
        RegistryError: It is on a network file system.
    """
    try:
        kind = file_system_of(directory.resolve(), mount_points())
    except (OSError, subprocess.SubprocessError):
        return
    if kind is not None and is_network(kind):
        raise RegistryError(
            f"The data directory {directory} is on a network file system ({kind}), where data is lost when two "
            "machines or a cut connection meet. Choose a directory on a disk of this machine with CITEWISE_HOME."
        )


def mount_points() -> list[tuple[str, str]]:
    """Return ``(mount point, file system type)`` of this machine, in the order of mounting; may be empty."""
    if sys.platform == "linux":
        return parse_mountinfo(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape"))
    if sys.platform == "darwin":
        listed = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False)
        return parse_mac_mounts(listed.stdout)
    return []


def parse_mountinfo(text: str) -> list[tuple[str, str]]:
    """Read ``/proc/self/mountinfo`` (proc(5)); lines of another form are passed over."""
    points = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) > 4 and kind:
            points.append((_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4]), kind))
    return points


def parse_mac_mounts(text: str) -> list[tuple[str, str]]:
    """Read what ``mount`` prints on macOS: ``//me@host/share on /Volumes/share (smbfs, nodev)``."""
    matches = (_MAC_LINE.match(line) for line in text.splitlines())
    return [(match["point"], match["kind"]) for match in matches if match]


def file_system_of(path: Path, points: list[tuple[str, str]]) -> str | None:
    """Return the type of the file system that an absolute path is on; ``None`` where the table does not say.

    Args:
        path: Without links.
        points: Mount points in the order of mounting; a later one covers an earlier one.
    """
    found: tuple[int, str] | None = None
    for point, kind in points:
        if path.is_relative_to(point) and (found is None or len(Path(point).parts) >= found[0]):
            found = (len(Path(point).parts), kind)
    return found[1] if found else None


def is_network(kind: str) -> bool:
    """Whether files of that type of file system are on another machine."""
    name = kind.lower()
    family, _, rest = name.partition(".")
    if family in ("fuse", "fuseblk", "macfuse", "osxfuse"):
        return rest in _NETWORK_FUSE
    return name in _NETWORK
