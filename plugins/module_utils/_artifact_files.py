# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the record of the artifacts on this host, and what is true of them."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Mapping

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host

RECORD = _host.STATE_DIRECTORY + "/artifacts.json"
# Apart from the digests of configuration: nobody else writes it, so none of the costly ones is lost.
DIGESTS = _host.STATE_DIRECTORY + "/artifact_digests.json"
LINK = "link"
# What the names of bundles on the host begin with; the rest tells their content.
BUNDLE = "quorate-artifacts-"


def observe_artifacts() -> dict[str, str]:
    """SHA-256 by path of every artifact that was installed; absent ones are left out.

    A link is C(link:) and its target. A file whose mode or owner is not what it was given has these after its digest, so
    that it equals no digest.
    """
    digests = _host.Digests(DIGESTS).load()
    observed = states(record(), digests)
    digests.save()
    return observed


def record() -> dict[str, str]:
    """Mode by path of every artifact that was installed; the word link for links."""
    known = _host.read_json(RECORD)
    return known if isinstance(known, dict) else {}


def add_to_record(entries: Mapping[str, str]) -> None:
    known = record()
    if any(known.get(path) != mode for path, mode in entries.items()):
        _host.write_json(RECORD, {**known, **entries})


def states(modes: Mapping[str, str], digests: _host.Digests) -> dict[str, str]:
    """What is at each path, as L(observe_artifacts) says it."""
    observed = {path: _state(path, mode, digests) for path, mode in modes.items()}
    return {path: state for path, state in observed.items() if state is not None}


def _state(path: str, mode: str, digests: _host.Digests) -> str | None:
    if mode == LINK:
        return _host.link_state(path)
    state = _host.file_state(path, digests)
    if state is None:
        return None
    if state.digest.startswith("link:") or (state.mode, state.owner) == (mode, "root"):
        return state.digest
    return f"{state.digest} {state.mode} {state.owner}"


def remove_leftovers(bundle: str) -> None:
    """Remove what runs that were killed sent and left beside this run's bundle.

    One of the same name has the same content, which is installed now, so nobody needs it any more. Another one that was
    written lately is another run's.
    """
    folder, name = os.path.dirname(os.path.dirname(bundle)), os.path.basename(bundle)
    _host.remove_old_files(folder, f"*/{name}", seconds=0)
    _host.remove_old_files(folder, f"*/{BUNDLE}*", seconds=3600)


def folders_of(paths: Iterable[str]) -> list[str]:
    """Folders of the paths, each once."""
    return sorted({path.rpartition("/")[0] for path in paths})
