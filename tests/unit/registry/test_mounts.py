from __future__ import annotations

from pathlib import Path

import pytest

from citewise.errors import RegistryError
from citewise.registry import mounts
from citewise.registry.database import Registry
from citewise.registry.mounts import file_system_of, is_network, parse_mac_mounts, parse_mountinfo, refuse_network
from citewise.registry.owner import OwnerLock

MOUNTINFO = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
31 27 0:30 / /home/me/a\040share rw,nosuid shared:5 master:2 - nfs4 server:/export rw,vers=4.2
32 27 0:31 / /mnt/cloud rw - fuse.rclone remote: rw
33 27 0:32 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw
34 31 0:33 / /home/me/a\040share/disk rw - xfs /dev/sdc rw
35 27 0:34 / /mnt/twice rw - cifs //server/share rw
36 27 0:35 / /mnt/twice rw - btrfs /dev/sdd rw
a line that is none
"""

MAC = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
//me@server/share on /Volumes/a share (smbfs, nodev, nosuid, mounted by me)
server:/export on /Volumes/export (nfs)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/citewise", "ext4"),
        ("/home/me/citewise", "ext4"),
        ("/home/me/a share", "nfs4"),
        ("/home/me/a share/citewise", "nfs4"),
        ("/home/me/a sharing/citewise", "ext4"),
        ("/home/me/a share/disk/citewise", "xfs"),
        ("/mnt/cloud/x", "fuse.rclone"),
        ("/mnt/twice/x", "btrfs"),
    ],
)
def test_the_innermost_mount_point_says_what_a_path_is_on(path: str, kind: str) -> None:
    assert file_system_of(Path(path), parse_mountinfo(MOUNTINFO)) == kind


@pytest.mark.parametrize(
    "kind",
    [
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "afpfs", "ceph", "glusterfs", "9p", "webdav", "lustre"),
        *("fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs", "fuse.davfs", "NFS"),
    ],
)
def test_what_is_on_another_machine_is_known(kind: str) -> None:
    assert is_network(kind)


@pytest.mark.parametrize(
    "kind",
    [
        *("ext4", "xfs", "btrfs", "zfs", "apfs", "tmpfs", "overlay", "ntfs3", "virtiofs"),
        *("fuseblk", "fuse", "fuse.ntfs-3g", "fuse.gocryptfs", "fuse.mergerfs"),
    ],
)
def test_what_is_on_this_machine_passes(kind: str) -> None:
    assert not is_network(kind)


def test_the_table_of_macos_is_read() -> None:
    points = parse_mac_mounts(MAC)
    assert file_system_of(Path("/Volumes/a share/citewise"), points) == "smbfs"
    assert file_system_of(Path("/Volumes/export/citewise"), points) == "nfs"
    assert file_system_of(Path("/Users/me"), points) == "apfs"


def test_a_directory_on_another_machine_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mounts, "mount_points", lambda: [("/", "ext4"), (str(tmp_path), "nfs4")])
    with pytest.raises(RegistryError, match=r"network file system \(nfs4\).*CITEWISE_HOME"):
        OwnerLock(tmp_path / "home")


def test_a_link_to_another_machine_is_seen_through(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "share")
    monkeypatch.setattr(mounts, "mount_points", lambda: [("/", "ext4"), (str(tmp_path / "share"), "cifs")])
    with pytest.raises(RegistryError, match="cifs"):
        refuse_network(tmp_path / "link")


def test_where_the_table_cannot_be_read_everything_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreadable() -> list[tuple[str, str]]:
        raise PermissionError("no /proc here")

    monkeypatch.setattr(mounts, "mount_points", unreadable)
    refuse_network(tmp_path)
    monkeypatch.setattr(mounts, "mount_points", list)
    refuse_network(tmp_path)


def test_this_machine_has_a_table_that_fits(tmp_path: Path) -> None:
    Registry(tmp_path).close()
    refuse_network(tmp_path)
    if mounts.sys.platform == "linux":
        assert file_system_of(tmp_path.resolve(), mounts.mount_points()) is not None
