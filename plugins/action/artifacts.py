# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module artifacts: find, verify and pack files; send what a host lacks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifact_files, _artifacts, _packing
from ansible_collections.quorate.kubernetes.plugins.module_utils._artifacts import ArtifactError, Link, Pinned
from ansible_collections.quorate.kubernetes.plugins.modules.artifacts import ARGUMENT_SPEC
from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _groups, _observation
from ansible_collections.quorate.kubernetes.plugins.plugin_utils._artifact_sources import Resolver, Unresolved

MODULE = "quorate.kubernetes.artifacts"


class ActionModule(ActionBase):
    """Plan on what was observed; send and install where something is missing."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.update(changed=False, executions=0, plan=[])
        _validation, settings = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        problems = list(settings["refusals"])
        try:
            self._run(settings, task_vars, result, problems=problems)
        except ArtifactError as error:
            problems.append(str(error))
        if problems:
            return {**result, "failed": True, "msg": "\n".join(problems)}
        return {**result, **_groups.joining(task_vars, [settings["group"] if result["plan"] else ""])}

    def _run(self, settings: dict[str, Any], task_vars: dict[str, Any], result: dict[str, Any], *, problems: list[str]) -> None:
        """All of it, unless there are problems: then the rest of what stands in the way is found, and nothing is fetched."""
        observation = _observation.current(task_vars)
        wanted, everything = self._expand(settings, observation)
        links = _artifacts.links(wanted, settings["links"])
        check = self._task.check_mode or settings["state"] == "observed" or bool(problems)
        resolver = Resolver(settings, check=check, progress=self._display.display)
        observed = observation.get("artifacts")
        if observed is None:
            observed = self._observe(settings, wanted, links, task_vars, result)
        try:
            pinned = resolver.resolve(wanted, everything=everything, observed=observed)
        except Unresolved as error:
            problems.append(str(error))
            pinned = error.found
        files = _artifacts.missing(pinned, observed)
        new_links = _artifacts.missing_links(links, observed, settings["destination"])
        result["plan"] = _artifacts.sentences(files, new_links, observed)
        problems += _see_room(settings["destination"], observation.get("space") or {}, files)
        if problems:
            return
        if settings["state"] == "fetched" and settings["delivery"] == "push" and not check:
            resolver.cache.pack({entry.digest: entry.source for entry in files}, _packing_for(observation))
        if settings["state"] == "present" and result["plan"]:
            result["diff"] = {"prepared": "".join(f"{line}\n" for line in result["plan"])}
            result["changed"] = True
            if not check:
                self._install(settings, resolver, pinned=pinned, files=files, links=links, task_vars=task_vars, result=result)

    def _expand(
        self, settings: Mapping[str, Any], observation: Mapping[str, Any]
    ) -> tuple[tuple[_artifacts.Artifact, ...], tuple[_artifacts.Artifact, ...]]:
        architecture = settings["architecture"] or (observation.get("platform") or {}).get("architecture") or ""

        def target(kinds: frozenset[str] | None) -> _artifacts.Target:
            return _artifacts.Target(
                kinds=kinds,
                versions=settings["versions"],
                architecture=architecture,
                destination=settings["destination"],
                images=settings["images"],
            )

        packages = settings["packages"]
        wanted = _artifacts.expand(packages, target(frozenset(settings["kinds"])))
        # Siblings in an archive: only of packages that this host needs, as only these must have a version.
        needed = {artifact.package for artifact in wanted}
        return wanted, _artifacts.expand({name: package for name, package in packages.items() if name in needed}, target(None))

    def _observe(
        self,
        settings: Mapping[str, Any],
        wanted: Sequence[_artifacts.Artifact],
        links: Sequence[Link],
        task_vars: dict[str, Any],
        result: dict[str, Any],
    ) -> dict[str, Any]:
        """Ask the host, as there is no fact."""
        files = [{"path": artifact.path, "sha256": "", "mode": artifact.mode} for artifact in wanted]
        answer = self._execute(settings, {"files": files, "symlinks": _plain(links), "state": "observed"}, task_vars, result)
        return dict(answer["observation"]["artifacts"])

    def _install(
        self,
        settings: Mapping[str, Any],
        resolver: Resolver,
        *,
        pinned: Sequence[Pinned],
        files: Sequence[Pinned],
        links: Sequence[Link],
        task_vars: dict[str, Any],
        result: dict[str, Any],
    ) -> None:
        # All that the host should have is told, so that its record is complete; content goes along for what it lacks.
        rows = {entry.artifact.path: _row(entry) for entry in pinned}
        arguments: dict[str, Any] = {"files": list(rows.values()), "symlinks": _plain(links)}
        result["sent"] = 0
        if settings["delivery"] == "pull":
            for entry in files:
                rows[entry.artifact.path]["url"] = resolver.url(entry.artifact)
        elif files:
            packing = _packing_for(_observation.current(task_vars))
            with resolver.cache.bundle({entry.digest: entry.source for entry in files}, packing) as (path, parts):
                by_digest = {part.digest: part for part in parts}
                for entry in files:
                    part = by_digest[entry.digest]
                    rows[entry.artifact.path].update(offset=part.offset, length=part.length)
                arguments["bundle"] = self._send(path)
                result["sent"] = sum(part.length for part in parts)
        answer = self._execute(settings, arguments, task_vars, result)
        result["changed"] = answer["changed"]
        result.update({key: answer[key] for key in ("observation", "warnings") if key in answer})
        if "observation" in result:
            # Components watch some of these files, and are planned on what is known of them.
            renewed = _seen_anew(_observation.current(task_vars).get("files") or {}, result["observation"].get("artifacts") or {})
            result["observation"] = {**result["observation"], **({"files": renewed} if renewed else {})}
        result.update(_observation.noted(result, task_vars))

    def _send(self, path: str) -> str:
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = shell.join_path(shell.tmpdir, _artifact_files.BUNDLE + os.path.basename(path))
        try:
            self._transfer_file(path, remote)
            self._fixup_perms2((shell.tmpdir, remote), execute=False)
        except AnsibleError as error:
            raise ArtifactError(
                f"Sending {os.path.getsize(path) / 1e6:.0f} MB to {remote} failed: {error}. See that the file system of remote_tmp has room. "
                "Nothing was installed; run again."
            ) from error
        return str(remote)

    def _execute(
        self, settings: Mapping[str, Any], arguments: dict[str, Any], task_vars: dict[str, Any], result: dict[str, Any]
    ) -> dict[str, Any]:
        result["executions"] += 1
        arguments = {"destination": settings["destination"], **arguments}
        answer: dict[str, Any] = self._execute_module(MODULE, module_args=arguments, task_vars=task_vars)
        if answer.get("failed"):
            raise ArtifactError(str(answer.get("msg") or answer))
        return answer


def _see_room(destination: str, space: Mapping[str, Any], files: Sequence[Pinned]) -> list[str]:
    """What to say before anything is sent, if there is too little. The host checks again before it unpacks."""
    above = [path for path in space if os.path.commonpath([path, destination]) == path]
    if not above or not files:
        return []
    short = _artifacts.shortage(path=destination, free=int(space[max(above, key=len)]), needed=sum(entry.size for entry in files))
    return [short] if short else []


def _packing_for(observation: Mapping[str, Any]) -> str:
    """The best packing that the control node and the host know."""
    return next(packing for packing in _packing.known() if packing in (observation.get("packings") or [_packing.ZLIB]))


def _seen_anew(files: Mapping[str, Any], artifacts: Mapping[str, str]) -> dict[str, Any]:
    """What is known of watched files, with the content that was just installed."""
    return {path: {**files[path], "digest": digest} for path, digest in artifacts.items() if files.get(path)}


def _row(entry: Pinned) -> dict[str, Any]:
    return {"path": entry.artifact.path, "sha256": entry.digest, "mode": entry.artifact.mode, "size": entry.size}


def _plain(links: Sequence[Link]) -> list[dict[str, str]]:
    return [{"path": link.path, "target": link.target} for link in links]
