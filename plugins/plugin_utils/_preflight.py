# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: settings that fit their declaration, and that a run would stumble over on its way all the same."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from ansible_collections.quorate.kubernetes.plugins.module_utils import _artifacts, _flannel
from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import Problem, show
from ansible_collections.quorate.kubernetes.plugins.module_utils._variables import Declared

TEMPLATE = "_template"
ARTIFACTS = ("artifacts_source", "artifacts_mirror", "artifacts_directory", "artifacts_delivery")
RESOURCE = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9.-]+)?|\*\.([a-z0-9.-]+|\*)?")  # RESOURCE, RESOURCE.GROUP, *.GROUP, *. and *.*
FLANNEL = ("flannel_backend", "flannel_network", "flannel_store")
FLANNEL_FLAGS = ("flannel_flags", "flannel_store")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The variables of all hosts.

    Attributes:
        values: of each host, its checked variables.
        given: of each host, the names of all that it sets. One without a value is wrong, which is told elsewhere, or can be computed only later.
        known: what the roles declare.
    """

    values: Mapping[str, Mapping[str, Any]]
    given: Mapping[str, Collection[str]]
    known: Declared

    def together(self, names: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each host that sets some of these variables, with the values of all of them, as far as they are known."""
        for host, given in self.given.items():
            own = self.values.get(host, {})
            some = [name for name in names if name in given]
            if some and all(name in own for name in some):
                yield host, {name: own.get(name, self.known.default(name)) for name in names}


def problems(settings: Settings, *, pods: str, installs: bool, has_template: Callable[[str], bool]) -> Iterator[Problem]:
    """What a run would stumble over.

    Args:
        settings: the variables of all hosts.
        pods: the network of pods.
        installs: whether the run installs programs.
        has_template: whether there is a template of a name.
    """
    yield from _template_problems(settings, has_template)
    for host, values in settings.together(FLANNEL):
        found = _flannel.problems(
            backend=values["flannel_backend"],
            further=values["flannel_network"],
            pods=pods,
            leases=values["flannel_store"] == "etcd",
        )
        yield from (Problem(what=what, remedy=remedy, hosts=(host,)) for what, remedy in found)
    for host, values in settings.together(FLANNEL_FLAGS):
        if values["flannel_store"] == "etcd":
            found = _flannel.flag_problems(values["flannel_flags"])
            yield from (Problem(what=what, remedy=remedy, hosts=(host,)) for what, remedy in found)
    for host, values in settings.together(("masters_encrypted_resources",)):
        what = _resources_problem(values["masters_encrypted_resources"])
        if what:
            yield Problem(what=what, remedy="Name resources, such as secrets or configmaps; all of them are *.*", hosts=(host,))
    for host, values in settings.together(ARTIFACTS):
        source = {name.partition("_")[2]: value for name, value in values.items()}
        directory = os.path.expanduser(os.path.expandvars(source["directory"]))
        found = _artifacts.source_problems(source, is_folder=not installs or os.path.isdir(directory))
        yield from (Problem(what=what, remedy=remedy, hosts=(host,)) for what, remedy in found)


def _resources_problem(resources: list[str]) -> str:
    """Why API servers would not start with these; one that runs would go on with the former ones, and say nothing."""
    if not resources:
        return "masters_encrypted_resources is empty, but API servers encrypt at least one resource"
    wrong = [name for name in resources if not RESOURCE.fullmatch(name)]
    return f"masters_encrypted_resources names {', '.join(map(show, wrong))}, which is no resource" if wrong else ""


def _template_problems(settings: Settings, has_template: Callable[[str], bool]) -> Iterator[Problem]:
    there: dict[str, bool] = {}
    for host, values in settings.values.items():
        for name, value in values.items():
            if not name.endswith(TEMPLATE):
                continue
            if value not in there:
                there[value] = has_template(value)
            if not there[value]:
                yield Problem(
                    what=f"{name} is {show(value)}, but there is no such template on the control node",
                    remedy="Give the name of one of the role's own, or the whole path of yours, which may begin with inventory_dir",
                    hosts=(host,),
                )
