"""The authorities and keys in one file that any Ansible opens."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _pki_archive
from ansible_collections.quorate.kubernetes.plugins.plugin_utils._pki_archive import ArchiveError

FILES = {"etcd/ca.crt": b"certificate", "etcd/ca.key": b"\x00\xffkey", "encryption/keys.json": b"[]"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "pki" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "pki/.lock").write_text("123", encoding="ascii")
    return tmp_path / "pki"


def test_what_goes_in_comes_out(directory: Path) -> None:
    files = _pki_archive.files_of(str(directory))
    assert files == FILES
    sealed = _pki_archive.sealed(files, "secret")
    assert b"certificate" not in sealed
    assert _pki_archive.opened(sealed, "secret") == FILES


def test_authorities_that_are_links_are_saved_whole(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "company.crt").write_bytes(b"company")
    (directory / "kubernetes").mkdir()
    (directory / "kubernetes/ca.crt").symlink_to(tmp_path / "company.crt")
    assert _pki_archive.files_of(str(directory))["kubernetes/ca.crt"] == b"company"


def test_ansible_vault_and_tar_open_it_without_the_collection(tmp_path: Path) -> None:
    (tmp_path / "x.pki.vault").write_bytes(_pki_archive.sealed(FILES, "secret"))
    (tmp_path / "password").write_text("secret\n", encoding="ascii")
    vault = Path(sys.executable).with_name("ansible-vault")
    subprocess.run(
        [vault, "decrypt", "--vault-password-file=password", "--output=pki.tar.gz", "x.pki.vault"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    subprocess.run(["tar", "-xzf", "pki.tar.gz"], cwd=tmp_path, check=True)
    assert _pki_archive.files_of(str(tmp_path / "pki")) == FILES
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "pki").rglob("*") if path.is_file()} == {0}


def tar(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name))
    return gzip.compress(buffer.getvalue())


@pytest.mark.parametrize(
    ("content", "passphrase", "words"),
    [
        pytest.param(_pki_archive.sealed(FILES, "secret"), "wrong", "does not open it", id="another passphrase"),
        pytest.param(_pki_archive.sealed(FILES, "secret")[:-200], "secret", "does not open it", id="cut off"),
        pytest.param(b"", "secret", "cannot be unpacked", id="empty"),
        pytest.param(tar("../outside"), "secret", "no file of pki", id="a path that leads out"),
    ],
)
def test_what_is_not_sound_is_not_opened(content: bytes, passphrase: str, words: str) -> None:
    with pytest.raises(ArchiveError, match=words):
        _pki_archive.opened(content, passphrase)


def test_only_archives_expire() -> None:
    names = ["20261121T120000Z.pki.vault", "20261120T120000Z.pki.vault", "20261119T120000Z.db", "mine.pki.vault"]
    assert _pki_archive.expired(names, 1) == ["20261120T120000Z.pki.vault"]
    assert _pki_archive.expired(names, 0) == []
