# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Container images of one static program, as docker-archive files: no container engine and no registry is needed."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """An image that holds one program at its root."""

    name: str
    program: str
    architecture: str
    command: Sequence[str] = ()
    user: str = "65532:65532"


def _tar(members: Sequence[tuple[str, int, bytes | None]]) -> bytes:
    """A tar of (name, mode, content); without content it is a folder. The same input is the same output."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for name, mode, content in members:
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            entry.size = len(content or b"")
            made.addfile(entry, io.BytesIO(content or b""))
    return buffer.getvalue()


def docker_archive(image: Image, program: bytes) -> bytes:
    """The archive that podman load and ctr images import take."""
    layer = _tar([("etc", 0o755, None), ("tmp", 0o1777, None), (image.program, 0o755, program)])
    layer_digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": image.architecture,
        "config": {
            "Cmd": list(image.command),
            "Entrypoint": [f"/{image.program}"],
            "Env": ["PATH=/"],
            "User": image.user,
            "WorkingDir": "/",
        },
        "created": "1970-01-01T00:00:00Z",
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "quorate lab"}],
        "os": "linux",
        "rootfs": {"diff_ids": [f"sha256:{layer_digest}"], "type": "layers"},
    }
    config_text = json.dumps(config, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(config_text).hexdigest()}.json"
    layer_name = f"{layer_digest}/layer.tar"
    manifest = json.dumps([{"Config": config_name, "Layers": [layer_name], "RepoTags": [image.name]}]).encode()
    return _tar([(config_name, 0o644, config_text), (layer_name, 0o644, layer), ("manifest.json", 0o644, manifest)])
