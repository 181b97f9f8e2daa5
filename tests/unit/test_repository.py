"""Promises that no tool checks: what lies in two places agrees, and the conventions of the collection hold."""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.quorate.kubernetes.plugins.doc_fragments import _attributes
from ansible_collections.quorate.kubernetes.plugins.module_utils import _variable_rules
from tests.gate import pages

ROOT = Path(__file__).resolve().parents[2]


def paths(*patterns: str) -> list[Any]:
    """Files of the repository as parameters, with their path as id."""
    found = sorted({path for pattern in patterns for path in ROOT.glob(pattern) if "__pycache__" not in path.parts})
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in found]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else None


def document(path: Path, name: str) -> Any:
    """A documentation block of a plugin, without importing the plugin."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [name]:
            return yaml.safe_load(ast.literal_eval(node.value))
    return None


FRAGMENT = "quorate.kubernetes._attributes"
ROLES = paths("roles/*")
TASKS = paths("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "playbooks/**/*.yml")
PLAYBOOKS = paths("playbooks/*.yml")
MODULES = paths("plugins/modules/*.py")
ON_HOSTS = paths("plugins/modules/*.py", "plugins/module_utils/*.py")
UTILS = paths("plugins/module_utils/_*.py")
ACTIONS = paths("plugins/action/*.py")


# --- roles -------------------------------------------------------------------------------------------------------------


def options_of(role: Path) -> dict[str, dict[str, Any]]:
    """The documented variables of all entry points of a role."""
    entries = (load(role / "meta/argument_specs.yml") or {}).get("argument_specs", {})
    return {name: option for entry in entries.values() for name, option in (entry.get("options") or {}).items()}


@pytest.mark.parametrize("role", ROLES)
def test_role_has_metadata_argument_specs_and_a_page(role: Path) -> None:
    wanted = ["meta/main.yml", "meta/argument_specs.yml", "README.md"]
    assert [name for name in wanted if not (role / name).is_file()] == []
    assert load(role / "meta/main.yml")["dependencies"] == []


@pytest.mark.parametrize("role", ROLES)
def test_role_documents_exactly_its_defaults(role: Path) -> None:
    defaults = load(role / "defaults/main.yml") or {}
    documented = options_of(role)
    optional = {name for name, option in documented.items() if not option.get("required")}
    assert sorted(defaults) == sorted(optional)
    different = {
        name: (option["default"], defaults[name])
        for name, option in documented.items()
        if "default" in option and option["default"] != defaults.get(name)
    }
    assert different == {}
    assert [name for name, option in documented.items() if not option.get("description") or not option.get("type")] == []


@pytest.mark.parametrize("role", ROLES)
def test_descriptions_hold_no_expressions(role: Path) -> None:
    """Ansible computes all of an argument spec, its text too, before it checks with it."""
    told = [option["description"] for option in options_of(role).values()]
    assert [text for text in told if "{{" in str(text)] == []


@pytest.mark.parametrize("role", ROLES)
def test_role_documents_each_entry_point_that_a_playbook_uses(role: Path) -> None:
    used = {
        entry.get("tasks_from", "main").removesuffix(".yml")
        for path in (ROOT / "playbooks").rglob("*.yml")
        for entry in dictionaries(load(path))
        if str(entry.get("role", entry.get("name", ""))) == f"quorate.kubernetes.{role.name}" and ("role" in entry or "tasks_from" in entry)
    }
    entries = load(role / "meta/argument_specs.yml")["argument_specs"]
    assert used <= set(entries)
    assert [name for name, entry in entries.items() if not entry.get("short_description") or not entry.get("description")] == []


@pytest.mark.parametrize("role", ROLES)
def test_variables_bear_the_name_of_their_role(role: Path) -> None:
    public = load(role / "defaults/main.yml") or {}
    internal = {name for path in (role / "vars").glob("*.yml") for name in load(path) or {}}
    assert [name for name in public if not name.startswith(f"{role.name}_")] == []
    # A variable of vars/ without underscores is a constant that other roles may read.
    assert [name for name in internal if not name.startswith((f"__{role.name}_", f"{role.name}_"))] == []


@pytest.mark.parametrize("role", ROLES)
def test_each_path_is_one_on_hosts_or_on_the_control_node(role: Path) -> None:
    """The first are looked at before any host is contacted."""
    options = options_of(role)
    declared = {name for name, option in options.items() if "path" in (option.get("type"), option.get("elements"))}
    named = {name for name in _variable_rules.HOST_PATHS if name.startswith(f"{role.name}_")}
    assert named <= set(options)
    assert [name for name in declared - named if "control node" not in str(options[name]["description"])] == []


# Numbers that are judged with others, in _topology.py.
JUDGED_ELSEWHERE = ("cluster_api_local_port", "cluster_api_port", "etcd_quota_bytes")


@pytest.mark.parametrize("role", ROLES)
def test_each_number_has_a_rule_that_its_default_fits(role: Path) -> None:
    """A wrong one would be noticed on a host only."""
    options = options_of(role)
    numbers = {name for name, option in options.items() if {option.get("type"), option.get("elements")} & {"int", "float"}}
    assert numbers <= {*_variable_rules.RULES, *JUDGED_ELSEWHERE}
    assert {name for name in _variable_rules.RULES if name.startswith(f"{role.name}_")} <= set(options)
    defaults = {name: value for name, value in (load(role / "defaults/main.yml") or {}).items() if "{{" not in str(value)}
    assert [reason for name, value in defaults.items() for reason in _variable_rules.reasons(name, value)] == []


# What no variable can replace, and why.
FIXED_TEMPLATES = {
    "etcd/bootstrap.env.j2": "it is a state that is read back: it says whether a member may found a cluster",
}


@pytest.mark.parametrize("role", ROLES)
def test_a_variable_can_replace_each_template(role: Path) -> None:
    defaults = (load(role / "defaults/main.yml") or {}).items()
    replaceable = sorted(value for name, value in defaults if name.endswith("_template"))
    fixed = [name.partition("/")[2] for name in FIXED_TEMPLATES if name.startswith(f"{role.name}/")]
    assert sorted([*replaceable, *fixed]) == sorted(path.name for path in role.glob("templates/*"))


@pytest.mark.parametrize("path", paths("roles/*/vars/*.yml", "roles/*/tasks/*.yml"))
def test_templates_are_named_by_their_variables(path: Path) -> None:
    named = set(re.findall(r"[\w.-]+\.j2\b", path.read_text(encoding="utf-8")))
    role = path.parents[1].name
    assert {name for name in named if f"{role}/{name}" not in FIXED_TEMPLATES} == set()


@pytest.mark.parametrize("role", ROLES)
def test_page_of_a_role_tells_its_variables(role: Path) -> None:
    assert (role / "README.md").read_text(encoding="utf-8") == pages.rendered(role), "run: make docs"


# --- tasks and playbooks -----------------------------------------------------------------------------------------------

# What makes a role depend on a place in a group, hides an error, or breaks check mode. Where one of them is right after all,
# a comment on its line or the line above says why.
FORBIDDEN = {
    "a command where a module belongs": r"^\s*(- )?ansible\.(builtin|legacy)\.(command|shell|raw|script):",
    "a hidden error": r"\bignore_errors:|\bfailed_when:\s*false\b",
    "a change that is none": r"\bchanged_when:\s*true\b",
    "topology outside cluster_topology": r"\bgroups\[|\bgroups\.|\bin group_names\b|\brun_once:|\bdelegate_to:",
    "a variable that fakes a default": r"\bset_fact:",
    "a task that check mode does not show": r"\bansible_check_mode\b",
    "a wait outside a module": r"^\s*(- )?ansible\.(builtin|legacy)\.(pause|wait_for):|^\s*(retries|until):",
    "a rolling change that does not stop": r"\bthrottle:",
    "a filter that loses the order": r"\|\s*(difference|intersect|symmetric_difference|union)\b",
}


def findings(text: str) -> Iterator[str]:
    """Lines with something forbidden and no reason beside it."""
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        code, _mark, comment = line.partition(" #")
        if not comment and not before.lstrip().startswith("#") and not line.lstrip().startswith("#"):
            yield from (f"line {number}: {what}: {line.strip()}" for what, pattern in FORBIDDEN.items() if re.search(pattern, code))
        before = line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("  ansible.builtin.command: ls", 1, id="command"),
        pytest.param("  ansible.builtin.command: ls # no module does this", 0, id="reason on the line"),
        pytest.param("  # no module does this\n  ansible.builtin.command: ls", 0, id="reason above"),
        pytest.param("  # no module does this\n  name: x\n  ansible.builtin.shell: ls", 1, id="reason too far away"),
        pytest.param("  failed_when: false", 1, id="hidden failure"),
        pytest.param("  failed_when: result.code > 1", 0, id="defined failure"),
        pytest.param("  when: groups['masters'] | length > 1", 1, id="group"),
        pytest.param("  ansible.builtin.group_by:", 0, id="group_by"),
        pytest.param('  hosts: "{{ all | difference(some) }}"', 1, id="order"),
        pytest.param("  quorate.kubernetes.components:", 0, id="module"),
    ],
)
def test_findings(text: str, found: int) -> None:
    assert len(list(findings(text))) == found


@pytest.mark.parametrize("path", [*TASKS, *paths("roles/*/vars/*.yml", "roles/*/defaults/*.yml", "roles/*/templates/*")])
def test_nothing_forbidden_without_a_reason(path: Path) -> None:
    assert list(findings(path.read_text(encoding="utf-8"))) == []


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries in a structure."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from dictionaries(inner)


@pytest.mark.parametrize("path", TASKS)
def test_tasks_and_plays_have_names_that_are_sentences(path: Path) -> None:
    entries = [entry for entry in load(path) or [] if isinstance(entry, dict)]
    tasks = [task for entry in entries for key in ("tasks", "pre_tasks", "post_tasks", "block") for task in entry.get(key, [])]
    names = [str(entry.get("name", "")) for entry in [*entries, *tasks]]
    assert [name for name in names if not re.match(r"[A-Z][a-z]", name)] == []


def test_all_programs_speak_the_same_ciphers() -> None:
    """Each role stands for itself, so each has the list."""
    lists = {tuple(load(ROOT / f"roles/{role}/vars/main.yml")[f"__{role}_cipher_suites"]) for role in ("etcd", "masters", "workers")}
    assert len(lists) == 1


def is_of_the_api(module: Path) -> bool:
    return "quorate.kubernetes._api" in ((document(module, "DOCUMENTATION") or {}).get("extends_documentation_fragment") or [])


# Modules that need an identity of the authorities.
OF_THE_API = [f"quorate.kubernetes.{module.stem}" for module in ROOT.glob("plugins/modules/*.py") if is_of_the_api(module)]


@pytest.mark.parametrize("path", paths("roles/*/tasks/*.yml"))
def test_tasks_say_where_the_authorities_lie(path: Path) -> None:
    """Where a variable of the role pki is the default, only playbooks that use that role would know it."""
    options = [task[name] for task in dictionaries(load(path)) for name in OF_THE_API if name in task]
    assert [given for given in options if not {"pki_directory", "pki_passphrase"} <= set(given)] == []


@pytest.mark.parametrize("path", TASKS)
def test_what_is_done_on_the_control_node_stays_the_callers(path: Path) -> None:
    """In an inventory ansible_become is mostly said for all hosts. As a variable it outweighs the keyword, and holds for localhost too."""
    delegated = [task for task in dictionaries(load(path)) if task.get("delegate_to") == "localhost"]
    settings = {task["name"]: (task.get("become"), (task.get("vars") or {}).get("ansible_become")) for task in delegated}
    assert settings == dict.fromkeys(settings, (False, False))


@pytest.mark.parametrize("role", ROLES)
def test_passphrases_are_not_shown(role: Path) -> None:
    assert [name for name, option in options_of(role).items() if "passphrase" in name and not option.get("no_log")] == []


@pytest.mark.parametrize("path", PLAYBOOKS)
def test_playbook_is_a_verb_that_the_readme_explains(path: Path) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", path.stem), "Ansible finds playbooks of a collection by Python names only"
    assert f"`{path.stem}`" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", paths("playbooks/stages/*.yml"))
def test_stages_do_not_check_again_what_the_inventory_check_passed(path: Path) -> None:
    # Ansible would add a task to each use of a role, and each task costs every host.
    uses = [entry["ansible.builtin.import_role"] for entry in dictionaries(load(path)) if "ansible.builtin.import_role" in entry]
    assert [use["name"] for use in uses if use.get("rolespec_validate") is not False] == []
    assert [entry for entry in dictionaries(load(path)) if "roles" in entry] == []


# --- plugins -----------------------------------------------------------------------------------------------------------


def test_action_group_holds_all_modules() -> None:
    modules = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
    assert load(ROOT / "meta/runtime.yml")["action_groups"]["all"] == modules


@pytest.mark.parametrize("path", ACTIONS)
def test_action_has_a_module_that_documents_it(path: Path) -> None:
    module = ROOT / "plugins/modules" / path.name
    assert f"{FRAGMENT}.action" in document(module, "DOCUMENTATION")["extends_documentation_fragment"]


def shared_attributes(documentation: dict[str, Any]) -> dict[str, Any]:
    """The attributes that a module takes from the documentation fragment of the collection."""
    found: dict[str, Any] = {}
    for fragment in documentation.get("extends_documentation_fragment", []):
        if fragment.startswith(f"{FRAGMENT}.") or fragment == FRAGMENT:
            name = fragment.removeprefix(FRAGMENT).lstrip(".").upper() or "DOCUMENTATION"
            found |= yaml.safe_load(getattr(_attributes.ModuleDocFragment, name))["attributes"]
    return found


@pytest.mark.parametrize("path", MODULES)
def test_module_documents_its_attributes(path: Path) -> None:
    documentation = document(path, "DOCUMENTATION")
    attributes = shared_attributes(documentation) | documentation.get("attributes", {})
    assert {"check_mode", "diff_mode", "idempotent"} <= set(attributes)
    partial = {name for name, attribute in attributes.items() if attribute["support"] in ("partial", "none")}
    assert [name for name in partial if not attributes[name].get("details")] == [], "say why"
    assert documentation["version_added"]
    assert document(path, "EXAMPLES"), "EXAMPLES"
    assert document(path, "RETURN"), "RETURN"


@pytest.mark.parametrize("path", ON_HOSTS)
def test_what_runs_on_hosts_needs_only_old_python_and_its_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    known = {*sys.stdlib_module_names, "ansible", "ansible_collections"}
    assert {name for name in imported if name.split(".")[0] not in known} == set()


@pytest.mark.parametrize("path", UTILS)
def test_utilities_know_nothing_of_ansible(path: Path) -> None:
    assert not re.search(r"^\s*(from|import) ansible\.", path.read_text(encoding="utf-8"), re.MULTILINE)


# What touches a host, and is tested on one. All else decides, and has a table of cases.
TOUCHES = r"^(from|import) (os|shutil|socket|ssl|subprocess|tempfile|http\.client)\b|\bimport .*\b_host\b"
DECISIONS = [param for param in UTILS if not re.search(TOUCHES, param.values[0].read_text(encoding="utf-8"), re.MULTILINE)]


@pytest.mark.parametrize("path", DECISIONS)
def test_decisions_have_a_test(path: Path) -> None:
    assert (ROOT / "tests/unit/plugins/module_utils" / f"test{path.name}").is_file()


@pytest.mark.parametrize("path", paths("plugins/*/*.py"))
def test_plugin_states_its_licence(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    lines = lines[1:] if lines[0] == "#!/usr/bin/python" else lines
    assert lines[0].startswith("# Copyright: (c) ")
    assert lines[1].startswith("# GNU General Public License v3.0+")
    assert lines[2] == "# SPDX-License-Identifier: GPL-3.0-or-later"


# --- the rest ----------------------------------------------------------------------------------------------------------


def is_built(path: Path) -> bool:
    """Whether ansible-galaxy takes a file, or a folder above it leaves it out; its * goes over slashes too."""
    ignored = load(ROOT / "galaxy.yml")["build_ignore"]
    return not any(fnmatch.fnmatch(str(part), pattern) for part in (path, *path.parents[:-1]) for pattern in ignored)


def test_collection_holds_what_a_run_needs() -> None:
    needed = [path.relative_to(ROOT) for folder in ("meta", "playbooks", "plugins", "roles") for path in (ROOT / folder).rglob("*")]
    assert [str(path) for path in needed if "__pycache__" not in path.parts and not is_built(path)] == []


@pytest.mark.parametrize(
    "name",
    [
        "pki/etcd/ca.key",
        "pki.aside-20260101T000000Z.bak/etcd/ca.key",
        "snapshots/20260101T000000Z.db",
        "admin.kubeconfig",
        "admin.kubeconfig.aside-20260101T000000Z.bak",
        ".quorate-run",
    ],
)
def test_collection_holds_no_secrets(name: str) -> None:
    assert is_built(Path("inventories/stacked/hosts.yml"))
    assert not is_built(Path("inventories/stacked") / name)


def test_make_explains_each_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## \S", text, re.MULTILINE))
    assert targets == explained
    assert len(targets) > 10


@pytest.mark.parametrize("path", paths("inventories/*"))
def test_inventory_is_explained(path: Path) -> None:
    hosts = path / "hosts.yml"
    assert "#" in hosts.read_text(encoding="utf-8"), "an example needs comments"
    assert f"inventories/{path.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_sanity_exceptions_are_the_same_for_each_version_and_have_reasons() -> None:
    files = [path.read_text(encoding="utf-8") for path in (ROOT / "tests/sanity").glob("ignore-*.txt")]
    assert len(files) >= 4
    assert len(set(files)) == 1
    assert [line for line in files[0].splitlines() if " # " not in line] == []
