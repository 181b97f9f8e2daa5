# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import json
import tarfile

from ansible_collections.quorate.kubernetes.lab.archive import Image, docker_archive

IMAGE = Image(name="registry.k8s.io/pause:3.10", program="pause", architecture="arm64", command=("wait",))


def content(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {entry.name: file.read() for entry in opened if (file := opened.extractfile(entry))}


def test_an_archive_names_its_parts_by_their_digests() -> None:
    parts = content(docker_archive(IMAGE, b"\x7fELF"))
    (manifest,) = json.loads(parts["manifest.json"])
    assert manifest["RepoTags"] == ["registry.k8s.io/pause:3.10"]
    layer = parts[manifest["Layers"][0]]
    config = json.loads(parts[manifest["Config"]])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert manifest["Config"] == f"{hashlib.sha256(parts[manifest['Config']]).hexdigest()}.json"
    assert (config["architecture"], config["os"]) == ("arm64", "linux")
    assert (config["config"]["Entrypoint"], config["config"]["Cmd"]) == (["/pause"], ["wait"])


def test_the_layer_holds_the_program() -> None:
    parts = content(docker_archive(IMAGE, b"\x7fELF"))
    (layer,) = [parts[name] for name in parts if name.endswith("layer.tar")]
    with tarfile.open(fileobj=io.BytesIO(layer)) as opened:
        assert opened.getmember("pause").mode == 0o755
        assert opened.getmember("tmp").mode == 0o1777
    assert content(layer)["pause"] == b"\x7fELF"


def test_the_same_program_makes_the_same_archive() -> None:
    assert docker_archive(IMAGE, b"x") == docker_archive(IMAGE, b"x")
    assert docker_archive(IMAGE, b"x") != docker_archive(IMAGE, b"y")
