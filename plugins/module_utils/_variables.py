# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private to quorate.kubernetes: the variables that the roles declare, checked against what an inventory sets.

Ansible's own check of a role's arguments lets misspelt names pass, stops at the first host, and comes when the role
runs. This one looks at all variables of all hosts before anything runs.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Optional

from ansible_collections.quorate.kubernetes.plugins.module_utils import _variable_rules
from ansible_collections.quorate.kubernetes.plugins.module_utils._names import closest, distance
from ansible_collections.quorate.kubernetes.plugins.module_utils._problem import Problem, show

# Made by the collection itself while it runs. Facts too: by default Ansible makes variables of them.
RUNTIME_NAMES = ("cluster_topology", "*_plan", "pki_authorities")
FOREIGN = "cluster_foreign_variables"

TRUE = ("true", "yes", "on", "1", "y", "t")
FALSE = ("false", "no", "off", "0", "n", "f")
TYPES = {
    "str": "text",
    "path": "a path",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "list": "a list",
    "dict": "a mapping of names to values",
}


class VariableError(Exception):
    """A value does not fit its declaration."""


@dataclasses.dataclass(frozen=True)
class Declared:
    """Public variables: by name, the entry of the argument specification of their role."""

    specs: Mapping[str, Mapping[str, Any]]
    roles: tuple[str, ...]

    @property
    def prefixes(self) -> tuple[str, ...]:
        return tuple(f"{role}_" for role in self.roles)

    def default(self, name: str) -> Any:
        return self.specs[name].get("default")


def declared(specifications: Mapping[str, Mapping[str, Any]]) -> Declared:
    """What the roles declare: `specifications` holds the content of meta/argument_specs.yml of each role."""
    specs: dict[str, Mapping[str, Any]] = {}
    for content in specifications.values():
        for entry in (content.get("argument_specs") or {}).values():
            for name, spec in (entry.get("options") or {}).items():
                specs[name] = spec
                specs.update(dict.fromkeys(spec.get("aliases") or (), spec))
    return Declared(specs=specs, roles=tuple(sorted(specifications)))


@dataclasses.dataclass(frozen=True)
class Checked:
    """Variables of each host that fit their declaration, in its type; and what is wrong with the others."""

    values: Mapping[str, Mapping[str, Any]]
    problems: tuple[Problem, ...]


def check(hosts: Mapping[str, Mapping[str, Any]], *, known: Declared) -> Checked:
    """Check the variables of each host."""
    values: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    misspelt: dict[tuple[str, tuple[str, ...]], Optional[Problem]] = {}
    for host, variables in hosts.items():
        fitting = values.setdefault(host, {})
        foreign = _patterns(variables.get(FOREIGN), known=known)
        for name, value in variables.items():
            if name in known.specs:
                try:
                    fitting[name] = coerce(value, spec=known.specs[name])
                except VariableError as error:
                    problems.append(_wrong(name, reason=str(error), host=host))
                    continue
                reasons = _variable_rules.reasons(name, fitting[name], default=known.default(name))
                problems += [_wrong(name, reason=reason, host=host) for reason in reasons]
                continue
            if (name, foreign) not in misspelt:
                misspelt[name, foreign] = unknown(name, known=known, foreign=foreign)
            problem = misspelt[name, foreign]
            if problem is not None:
                problems.append(dataclasses.replace(problem, hosts=(host,)))
    return Checked(values=values, problems=tuple(problems))


def _patterns(value: Any, *, known: Declared) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        value = known.default(FOREIGN) if FOREIGN in known.specs else ()
    return tuple(str(item) for item in value or ())


def _wrong(name: str, *, reason: str, host: str) -> Problem:
    return Problem(what=f"{name}{reason}", remedy=f"Correct {name}; the page of its role tells what it may be", hosts=(host,))


def unknown(name: str, *, known: Declared, foreign: Iterable[str] = ()) -> Optional[Problem]:
    """The problem with a variable that no role declares, unless it has nothing to do with this collection."""
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in (*RUNTIME_NAMES, *foreign)):
        return None
    ours = name.startswith(known.prefixes)
    if not ours and not _nearly_ours(name, known=known):
        return None
    meant = closest(name, known.specs)
    if not ours and not meant:
        return None
    advice = f"Did you mean {meant}? If not, remove it" if meant else "Remove it, or look for the name on the page of the role"
    return Problem(
        what=f"{show(name)[1:-1]} is no variable of quorate.kubernetes and would have no effect",
        remedy=f"{advice}; if it belongs to something else, add it to {FOREIGN}",
    )


def _nearly_ours(name: str, *, known: Declared) -> bool:
    word = name.split("_")[0]
    return any(distance(word, role.split("_")[0]) <= 1 for role in known.roles)


def coerce(value: Any, *, spec: Mapping[str, Any]) -> Any:
    """The value in the type of its specification."""
    if value is None:
        if spec.get("default") is None and not spec.get("required"):
            return None
        raise VariableError(" has no value (null)")
    wanted = spec.get("type", "str")
    result = _CONVERSIONS.get(wanted, _as_it_is)(value, spec)
    if result is _UNFIT:
        shown = "(secret)" if spec.get("no_log") else show(value)
        raise VariableError(f" is {shown}, but {TYPES[wanted]} is needed")
    choices = spec.get("choices") or ()
    wrong = [item for item in (result if wanted == "list" else [result]) if choices and item not in choices]
    if wrong:
        raise VariableError(f" is {show(wrong[0])}, but only {', '.join(str(choice) for choice in choices)} are possible")
    return result


_UNFIT = object()


def _as_it_is(value: Any, spec: Mapping[str, Any]) -> Any:  # noqa: ARG001 - one signature for all conversions
    return value


def _text(value: Any, spec: Mapping[str, Any]) -> Any:  # noqa: ARG001
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return str(value) if isinstance(value, str) else _UNFIT


def _truth(value: Any, spec: Mapping[str, Any]) -> Any:  # noqa: ARG001
    if isinstance(value, bool):
        return value
    text = str(value).lower() if isinstance(value, (str, int)) else ""
    return True if text in TRUE else False if text in FALSE else _UNFIT


def _whole(value: Any, spec: Mapping[str, Any]) -> Any:  # noqa: ARG001
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return _UNFIT
    try:
        return int(value)
    except ValueError:
        return _UNFIT


def _number(value: Any, spec: Mapping[str, Any]) -> Any:  # noqa: ARG001
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return _UNFIT
    try:
        return float(value)
    except ValueError:
        return _UNFIT


def _list(value: Any, spec: Mapping[str, Any]) -> Any:
    if not isinstance(value, (list, tuple)):
        return _UNFIT
    element = {**spec, "type": spec.get("elements", "raw"), "required": True, "choices": None}
    result = []
    for number, item in enumerate(value):
        try:
            result.append(coerce(item, spec=element))
        except VariableError as error:
            raise VariableError(f"[{number}]{error}") from None
    return result


def _mapping(value: Any, spec: Mapping[str, Any]) -> Any:
    if not isinstance(value, Mapping):
        return _UNFIT
    options = spec.get("options")
    if not options:
        return {str(key): item for key, item in value.items()}
    missing = [key for key, option in options.items() if option.get("required") and key not in value]
    if missing:
        raise VariableError(f" has no {missing[0]}")
    result = {}
    for key, item in value.items():
        if key not in options:
            meant = closest(str(key), options)
            hint = f"; did you mean {meant}?" if meant else f"; known are {', '.join(options)}"
            raise VariableError(f" has an unknown key {show(str(key))}{hint}")
        try:
            result[str(key)] = coerce(item, spec=options[key])
        except VariableError as error:
            raise VariableError(f".{key}{error}") from None
    return result


_CONVERSIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "str": _text,
    "path": _text,
    "bool": _truth,
    "int": _whole,
    "float": _number,
    "list": _list,
    "dict": _mapping,
}
