"""What has to be done to a component, for all that can be found on a host."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _component
from ansible_collections.quorate.kubernetes.plugins.module_utils._component import Component, Directory, Facts, File, Ready, Step, Unit

CONFIG = "/etc/web/config"
READ_AGAIN = "/etc/web/read-again"
KEY = "/etc/web/key"
WATCHED = "/etc/pki/ca.crt"

WEB = Component(
    name="web",
    unit="[Service]\nExecStart=/bin/web\n",
    user="web",
    directories=(Directory("/var/lib/web", mode="0700", owner="web", group="web"),),
    files=(File(CONFIG, "port 80\n"), File(READ_AGAIN, "a\n", restart=False), File(KEY, "hush", mode="0600", owner="web", secret=True)),
    watch=(WATCHED,),
)
START, BEFORE, AFTER = 1000.0, 900.0, 1100.0


def found(file: File, *, changed: float = BEFORE, **attributes: Any) -> dict[str, Any]:
    """A file as it is observed."""
    return {"digest": file.digest, "mode": file.mode, "owner": file.owner, "group": file.group, "changed": changed, **attributes}


def settled(component: Component = WEB) -> Facts:
    """What is observed of a component that runs as it should."""
    files: dict[str, Mapping[str, Any] | None] = {file.path: found(file) for file in component.written()}
    files.update({path: found(File(path, "authority")) for path in component.watch})
    digest = _component.inputs_digest(component, files)
    inputs = _component.inputs_file(component, digest)
    files[inputs.path] = found(inputs)
    return Facts(
        unit=Unit(active="active", enabled=True, process=True, inputs=digest, started=START, invocation="abc"),
        files=files,
        directories={one.path: (one.mode, one.owner, one.group) for one in component.directories},
        recorded=(*(file.path for file in component.written()), inputs.path),
    )


def unit(facts: Facts, **changes: Any) -> Facts:
    return dataclasses.replace(facts, unit=dataclasses.replace(facts.unit, **changes))


def files(facts: Facts, changes: Mapping[str, Mapping[str, Any] | None]) -> Facts:
    """Facts with other states of files; of one that is there, only what is named differs."""
    together = {path: (None if state is None else {**(facts.files.get(path) or {}), **state}) for path, state in changes.items()}
    return dataclasses.replace(facts, files={**facts.files, **together})


def planned(component: Component, facts: Facts) -> list[str]:
    return [f"{step.verb} {step.target}" for step in _component.plan(component, facts)]


OTHER = {"digest": "other", "changed": AFTER}
ALTERED = {"digest": "other", "changed": BEFORE}
WRITE_ALL = [f"write {CONFIG}", f"write {READ_AGAIN}", f"write {KEY}", f"write {WEB.unit_path}"]
NOTHING = Facts(unit=Unit(), files={}, directories={}, user=False)
ONESHOT = unit(settled(), process=False)


# --- plan --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        pytest.param(settled(), [], id="as it should be"),
        pytest.param(ONESHOT, [], id="did its work and ended"),
        pytest.param(
            NOTHING,
            ["user web", "directory /var/lib/web", *WRITE_ALL, f"inputs {WEB.inputs_path}", "enable web.service", "start web.service"],
            id="fresh host",
        ),
        pytest.param(unit(settled(), active="failed"), ["start web.service"], id="failed"),
        pytest.param(unit(settled(), active="inactive"), ["start web.service"], id="stopped by hand"),
        pytest.param(unit(settled(), active="activating"), [], id="still starting with its inputs"),
        pytest.param(unit(settled(), active="activating", process=False, inputs=""), ["start web.service"], id="between two starts"),
        pytest.param(unit(settled(), enabled=False), ["enable web.service"], id="disabled"),
        pytest.param(unit(settled(), inputs="older"), ["restart web.service"], id="died before the restart"),
        pytest.param(unit(settled(), inputs=""), ["restart web.service"], id="started without our drop-in"),
        pytest.param(unit(ONESHOT, inputs="older"), ["start web.service"], id="ran with other inputs and ended"),
        pytest.param(dataclasses.replace(settled(), replaced="abc"), ["restart web.service"], id="died after it put a file right"),
        pytest.param(dataclasses.replace(settled(), replaced="former"), [], id="was restarted as it was to be"),
        pytest.param(unit(dataclasses.replace(settled(), replaced=""), invocation=""), [], id="systemd tells no invocation"),
        pytest.param(files(settled(), {CONFIG: OTHER}), [f"write {CONFIG}"], id="altered after the start"),
        pytest.param(files(settled(), {CONFIG: ALTERED}), [f"write {CONFIG}", "restart web.service"], id="altered before the start"),
        pytest.param(files(ONESHOT, {CONFIG: ALTERED}), [f"write {CONFIG}", "start web.service"], id="altered before it ran and ended"),
        pytest.param(files(settled(), {READ_AGAIN: ALTERED}), [f"write {READ_AGAIN}"], id="altered, but it is read again"),
        pytest.param(files(settled(), {CONFIG: {"mode": "0666"}}), [f"attributes {CONFIG}"], id="mode"),
        pytest.param(files(settled(), {KEY: {"owner": "root"}}), [f"attributes {KEY}"], id="owner"),
        pytest.param(files(settled(), {KEY: {"group": "users"}}), [f"attributes {KEY}"], id="group"),
        pytest.param(files(settled(), {CONFIG: None}), [f"write {CONFIG}"], id="deleted"),
        pytest.param(files(settled(), {CONFIG: {"digest": "link:/tmp/x", "changed": AFTER}}), [f"write {CONFIG}"], id="a link instead"),
        pytest.param(files(settled(), {WEB.unit_path: OTHER}), [f"write {WEB.unit_path}"], id="unit altered"),
        pytest.param(files(settled(), {WEB.inputs_path: None}), [f"inputs {WEB.inputs_path}"], id="drop-in deleted"),
        pytest.param(
            files(settled(), {WATCHED: {"digest": "renewed"}}), [f"inputs {WEB.inputs_path}", "restart web.service"], id="watched changed"
        ),
        pytest.param(files(settled(), {WATCHED: None}), [f"inputs {WEB.inputs_path}", "restart web.service"], id="watched vanished"),
        pytest.param(dataclasses.replace(settled(), directories={}), ["directory /var/lib/web"], id="directory missing"),
        pytest.param(
            dataclasses.replace(settled(), directories={"/var/lib/web": ["0755", "web", "web"]}),
            ["directory /var/lib/web"],
            id="directory mode",
        ),
        pytest.param(
            dataclasses.replace(settled(), directories={"/var/lib/web": ["0700", "web", "web"]}), [], id="directory as JSON tells it"
        ),
        pytest.param(dataclasses.replace(settled(), user=False), ["user web"], id="user missing"),
        pytest.param(
            dataclasses.replace(files(settled(), {"/etc/web/old": OTHER}), recorded=("/etc/web/old", CONFIG)),
            ["remove /etc/web/old"],
            id="file no longer named",
        ),
        pytest.param(dataclasses.replace(settled(), recorded=("/etc/web/old",)), [], id="file no longer named, and gone"),
    ],
)
def test_plan(facts: Facts, steps: list[str]) -> None:
    assert planned(WEB, facts) == steps


RELOADING = dataclasses.replace(WEB, files=(File(CONFIG, "port 80\n"), File(READ_AGAIN, "a\n", restart=False, reload=True)))
RELOADED = dataclasses.replace(settled(RELOADING), reloaded=_component.reload_digest(RELOADING))


@pytest.mark.parametrize(
    ("facts", "steps"),
    [
        pytest.param(RELOADED, [], id="as it should be"),
        pytest.param(files(RELOADED, {READ_AGAIN: OTHER}), [f"write {READ_AGAIN}", "reload web.service"], id="changed"),
        pytest.param(dataclasses.replace(RELOADED, reloaded="former"), ["reload web.service"], id="died before the reload"),
        pytest.param(files(RELOADED, {READ_AGAIN: {"mode": "0666"}}), [f"attributes {READ_AGAIN}"], id="mode only"),
        pytest.param(
            files(RELOADED, {READ_AGAIN: OTHER, CONFIG: ALTERED}),
            [f"write {CONFIG}", f"write {READ_AGAIN}", "restart web.service"],
            id="a restart does for both",
        ),
        pytest.param(unit(RELOADED, active="failed"), ["start web.service"], id="does not run"),
        pytest.param(
            unit(dataclasses.replace(RELOADED, reloaded="former"), active="activating"), ["restart web.service"], id="is about to start"
        ),
    ],
)
def test_plan_of_what_is_reloaded(facts: Facts, steps: list[str]) -> None:
    assert planned(RELOADING, facts) == steps
    assert _component.disturbs(_component.plan(RELOADING, facts)) is any(step.startswith("restart") for step in steps)


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        pytest.param({"unit": "[Service]\nExecStart=/bin/web -v\n"}, [f"write {WEB.unit_path}"], id="unit"),
        pytest.param({"files": (File(CONFIG, "port 81\n"), *WEB.files[1:])}, [f"write {CONFIG}"], id="content"),
        pytest.param({"files": (*WEB.files, File("/etc/web/more", ""))}, ["write /etc/web/more"], id="one file more"),
        pytest.param({"files": (*WEB.files[:2],)}, [f"remove {KEY}"], id="one file less"),
        pytest.param({"watch": ()}, [], id="watches nothing"),
    ],
)
def test_new_definition_restarts(change: dict[str, Any], steps: list[str]) -> None:
    wanted = dataclasses.replace(WEB, **change)
    assert planned(wanted, settled()) == [*steps, f"inputs {WEB.inputs_path}", "restart web.service"]


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        pytest.param(
            {"files": (WEB.files[0], File(READ_AGAIN, "b\n", restart=False), WEB.files[2])}, [f"write {READ_AGAIN}"], id="read again"
        ),
        pytest.param({"files": (File(CONFIG, "port 80\n", mode="0600"), *WEB.files[1:])}, [f"attributes {CONFIG}"], id="mode"),
        pytest.param({"directories": ()}, [], id="directory is never removed"),
        pytest.param({"ready": Ready(port=80)}, [], id="when it is ready"),
        pytest.param({"user": ""}, [], id="user is never removed"),
    ],
)
def test_new_definition_does_not_restart(change: dict[str, Any], steps: list[str]) -> None:
    assert planned(dataclasses.replace(WEB, **change), settled()) == steps


STATIC = {"static": True}


@pytest.mark.parametrize(
    ("state", "facts", "steps"),
    [
        pytest.param("stopped", settled(), ["disable web.service", "stop web.service"], id="stop"),
        pytest.param("stopped", unit(settled(), active="inactive", enabled=False), [], id="stopped"),
        pytest.param("stopped", unit(settled(), active="failed", enabled=False, inputs=""), [], id="stopped and failed"),
        pytest.param("stopped", unit(settled(), **STATIC, active="inactive"), [], id="stopped, of the operating system"),
        pytest.param(
            "stopped",
            NOTHING,
            ["user web", "directory /var/lib/web", *WRITE_ALL, f"inputs {WEB.inputs_path}"],
            id="stopped on a fresh host",
        ),
        pytest.param(
            "absent",
            settled(),
            [
                "stop web.service",
                "disable web.service",
                *(f"remove {path}" for path in (CONFIG, READ_AGAIN, KEY, WEB.unit_path, WEB.inputs_path)),
            ],
            id="absent",
        ),
        pytest.param("absent", NOTHING, [], id="absent on a fresh host"),
        pytest.param("absent", Facts(unit=Unit(), files=dict.fromkeys(settled().files), directories={}), [], id="absent already"),
        pytest.param(
            "absent",
            unit(dataclasses.replace(settled(), recorded=()), active="inactive", **STATIC),
            [f"remove {WEB.inputs_path}"],
            id="absent, of the operating system",
        ),
    ],
)
def test_plan_of_other_states(state: str, facts: Facts, steps: list[str]) -> None:
    assert planned(dataclasses.replace(WEB, state=state), facts) == steps


def test_watched_files_are_never_removed() -> None:
    assert f"remove {WATCHED}" not in planned(dataclasses.replace(WEB, state="absent"), settled())


def test_plan_tells_why() -> None:
    facts = unit(files(settled(), {CONFIG: OTHER, KEY: {"mode": "0666", "owner": "nobody"}}), inputs="older")
    assert [str(step) for step in _component.plan(WEB, facts)] == [
        f"write {CONFIG} (content)",
        f"set owner and mode of {KEY} (mode 0666, owner nobody)",
        "restart web.service (it runs with other inputs)",
    ]


# --- digest of the inputs ----------------------------------------------------------------------------------------------


def test_digest_does_not_depend_on_the_order() -> None:
    turned = dataclasses.replace(WEB, files=WEB.files[::-1])
    assert _component.inputs_digest(turned, settled().files) == _component.inputs_digest(WEB, settled().files)


def test_digest_tells_contents_of_two_files_apart() -> None:
    one = Component(name="x", files=(File("/a", "1"), File("/b", "2")))
    other = Component(name="x", files=(File("/a", "2"), File("/b", "1")))
    assert _component.inputs_digest(one, {}) != _component.inputs_digest(other, {})


def test_inputs_reach_the_process() -> None:
    file = _component.inputs_file(WEB, "0123abcd")
    assert file.path == "/etc/systemd/system/web.service.d/50-inputs.conf"
    assert file.content == "[Service]\nEnvironment=QUORATE_INPUTS=0123abcd\n"


# --- what a host needs -------------------------------------------------------------------------------------------------

WRITE, RESTART, BEGIN = Step("write", CONFIG), Step("restart", "web.service"), Step("start", "web.service")


@pytest.mark.parametrize(
    ("plans", "kind"),
    [
        pytest.param([], "keep", id="no component"),
        pytest.param([[], []], "keep", id="nothing to do"),
        pytest.param([[], [WRITE]], "build", id="write"),
        pytest.param([[WRITE, BEGIN]], "build", id="start"),
        pytest.param([[BEGIN], [WRITE, RESTART]], "change", id="restart"),
        pytest.param([[Step("stop", "web.service")]], "change", id="stop"),
    ],
)
def test_kind(plans: Sequence[Sequence[Step]], kind: str) -> None:
    assert _component.kind_of(plans) == kind


# --- definitions -------------------------------------------------------------------------------------------------------


def test_parse_fills_in_defaults() -> None:
    value = {
        "name": "web",
        "unit": None,
        "directories": [{"path": "/var/lib/web", "owner": "web"}],
        "files": [{"path": CONFIG, "content": "", "restart": False}, {"path": KEY, "secret": "hush", "owner": "web", "mode": "0600"}],
        "watch": None,
        "ready": {"url": "http://127.0.0.1/", "status": None, "paths": ["/run/x"], "timeout": 5.0},
    }
    assert _component.parse(value) == Component(
        name="web",
        directories=(Directory("/var/lib/web", mode="0755", owner="web", group="web"),),
        files=(
            File(CONFIG, "", restart=False),
            File(KEY, "hush", mode="0600", owner="web", group="web", secret=True),
        ),
        ready=Ready(url="http://127.0.0.1/", paths=("/run/x",), timeout=5.0),
    )


def test_parse_takes_any_scalar_as_content() -> None:
    """The action sees values before the module has made text of them."""
    assert _component.parse({"name": "web", "files": [{"path": CONFIG, "content": 5}]}).files[0].content == "5"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({"name": ""}, "no component name", id="no name"),
        pytest.param({"name": "web.service"}, "without '.service'", id="name of a unit"),
        pytest.param({"name": "../web"}, "no component name", id="name is a path"),
        pytest.param({"name": "web", "files": [{"path": CONFIG}]}, "either 'content' or 'secret'", id="no content"),
        pytest.param({"name": "web", "files": [{"path": CONFIG, "content": "", "secret": ""}]}, "either", id="content and secret"),
        pytest.param({"name": "web", "files": [{"path": "etc/x", "content": ""}]}, "not absolute", id="relative file"),
        pytest.param({"name": "web", "files": [{"path": "/etc/../x", "content": ""}]}, "not absolute", id="path that goes up"),
        pytest.param({"name": "web", "directories": [{"path": "/etc/.."}]}, "not absolute", id="directory that goes up"),
        pytest.param({"name": "web", "watch": ["ca.crt"]}, "not absolute", id="relative watch"),
        pytest.param({"name": "web", "files": [{"path": CONFIG, "content": c} for c in "ab"]}, "a file twice", id="file twice"),
        pytest.param({"name": "web", "unit": "x", "files": [{"path": WEB.unit_path, "content": ""}]}, "twice", id="file is the unit"),
        pytest.param({"name": "web", "files": [{"path": CONFIG, "content": "", "mode": 420}]}, "octal", id="mode without quotes"),
        pytest.param({"name": "web", "directories": [{"path": "/etc/web", "mode": "u+rwx"}]}, "octal", id="symbolic mode"),
    ],
)
def test_parse_refuses(value: dict[str, Any], message: str) -> None:
    with pytest.raises(_component.ComponentError, match=message):
        _component.parse(value)


def test_words_of_secrets() -> None:
    content = 'kind: Encryption\nkeys:\n  - secret: "c2VjcmV0c2VjcmV0c2VjcmV0"\n    name: key1\n'
    component = Component(name="web", files=(File(KEY, content, secret=True), File(CONFIG, "public-public-public")))
    assert _component.secret_words([component]) == {"c2VjcmV0c2VjcmV0c2VjcmV0"}


# --- observation -------------------------------------------------------------------------------------------------------


def test_facts_from_observation() -> None:
    facts = settled()
    observation = {
        "files": facts.files,
        "components": {
            "web": {
                "unit": dataclasses.asdict(facts.unit),
                "directories": {path: list(state) for path, state in facts.directories.items() if state},
                "users": {"web": True},
                "recorded": list(facts.recorded),
                "replaced": "former",
            }
        },
    }
    told = _component.facts_from_observation(WEB, observation)
    assert told.unit == facts.unit
    assert (told.user, told.recorded, told.replaced) == (True, facts.recorded, "former")
    assert _component.plan(WEB, told) == []


@pytest.mark.parametrize("observation", [{}, {"files": None, "components": None}, {"components": {"other": {}}}])
def test_what_an_observation_does_not_tell_is_absent(observation: dict[str, Any]) -> None:
    assert _component.plan(WEB, _component.facts_from_observation(WEB, observation)) == _component.plan(WEB, NOTHING)
