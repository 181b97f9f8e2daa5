"""Files, processes, systemd and sockets of a host: real files, real processes, real connections."""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.quorate.kubernetes.plugins.module_utils import _host
from ansible_collections.quorate.kubernetes.plugins.module_utils._host import HostError

FIXTURES = Path(__file__).parent / "fixtures"
ME = pwd.getpwuid(os.geteuid()).pw_name
US = grp.getgrgid(os.getegid()).gr_name
OF_A = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="what it makes belongs to root")


def mode_of(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def write(path: Path, content: bytes, *, mode: str = "0644") -> None:
    _host.write_file(str(path), content, mode=mode, owner=ME, group=US)


# --- state of files ----------------------------------------------------------------------------------------------------


def test_state_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a")
    file.chmod(0o4750)
    state = _host.file_state(str(file))
    assert state == _host.FileState(digest=OF_A, mode="4750", owner=ME, group=US, changed=file.stat().st_ctime)


@pytest.mark.parametrize("path", ["absent", "file/below-a-file"])
def test_state_of_nothing(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").touch()
    assert _host.file_state(str(tmp_path / path)) is None
    assert _host.read_file(str(tmp_path / path)) is None
    assert _host.directory_state(str(tmp_path / path)) is None
    assert _host.link_state(str(tmp_path / path)) is None


def test_state_of_a_link_is_not_that_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "target").write_bytes(b"a")
    state = _host.file_state(str(tmp_path / "link"))
    assert state is not None
    assert state.digest == "link:target"


def test_a_directory_where_a_file_belongs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="is to be a regular file"):
        _host.file_state(str(tmp_path))
    with pytest.raises(HostError, match="Is a directory"):
        _host.read_file(str(tmp_path))


def test_a_file_where_a_directory_belongs_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="is to be a directory"):
        _host.directory_state(str(tmp_path / "file"))


@as_root
def test_owner_without_a_name_is_a_number(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 54321, 54322)
    state = _host.file_state(str(tmp_path / "file"))
    assert state is not None
    assert (state.owner, state.group) == ("54321", "54322")


class Counted:
    """How often a content was read to compute its digest."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        self._original: Callable[[str], str] = _host._sha256
        monkeypatch.setattr(_host, "_sha256", self)

    def __call__(self, path: str) -> str:
        self.times += 1
        return self._original(path)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    """A file that was changed longer ago than the clock's resolution."""
    file = tmp_path / "file"
    file.write_bytes(b"a")
    assert _host.wait_until(lambda: time.time_ns() - file.stat().st_ctime_ns > 60_000_000, timeout=2, poll=0.01)
    return file


def test_digest_is_remembered(settled: Path, counted: Counted) -> None:
    digests = _host.Digests(str(settled.parent / "digests.json"))
    assert [digests.of(str(settled)), digests.of(str(settled)), counted.times] == [OF_A, OF_A, 1]


def test_digest_of_a_file_just_written_is_not_remembered(tmp_path: Path, counted: Counted) -> None:
    (tmp_path / "file").write_bytes(b"a")
    digests = _host.Digests(str(tmp_path / "digests.json"))
    assert [digests.of(str(tmp_path / "file")), digests.of(str(tmp_path / "file")), counted.times] == [OF_A, OF_A, 2]


def test_digest_of_another_content_of_same_size_and_time(settled: Path) -> None:
    digests = _host.Digests(str(settled.parent / "digests.json"))
    before = settled.stat()
    digests.of(str(settled))
    settled.write_bytes(b"b")
    os.utime(settled, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digests.of(str(settled)) != OF_A


@as_root
def test_digests_are_kept_for_the_next_run(settled: Path, counted: Counted) -> None:
    path = settled.parent / "state" / "digests.json"
    (settled.parent / "gone").touch()
    digests = _host.Digests(str(path)).load()
    digests.of(str(settled))
    digests.remember(str(settled.parent / "gone"), "any")
    (settled.parent / "gone").unlink()
    digests.save()
    assert (mode_of(path), mode_of(path.parent)) == ("0600", "0700")
    assert "gone" not in path.read_text()
    assert _host.Digests(str(path)).load().of(str(settled)) == OF_A
    assert counted.times == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_damaged_digests_are_made_anew(settled: Path, content: str) -> None:
    path = settled.parent / "digests.json"
    path.write_text(content)
    assert _host.Digests(str(path)).load().of(str(settled)) == OF_A


# --- writing files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, b"old"])
def test_write(tmp_path: Path, before: bytes | None) -> None:
    file = tmp_path / "file"
    if before is not None:
        file.write_bytes(before)
    write(file, b"new", mode="0640")
    assert (file.read_bytes(), mode_of(file)) == (b"new", "0640")
    assert names_in(tmp_path) == ["file"]


def test_write_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link", b"ours")
    assert (tmp_path / "target").read_bytes() == b"theirs"
    assert not (tmp_path / "link").is_symlink()


def test_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: str, _target: str) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(HostError, match=r"Writing .*/file failed: No space left on device. The old content, if any, is unchanged."):
        write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_content_has_its_mode_and_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    rename, fsync = os.rename, os.fsync

    def watched_fsync(handle: int) -> None:
        seen.append(
            f"fsync {stat.S_IMODE(os.fstat(handle).st_mode):04o} {os.fstat(handle).st_size}" if not is_folder(handle) else "fsync folder"
        )
        fsync(handle)

    def is_folder(handle: int) -> bool:
        return stat.S_ISDIR(os.fstat(handle).st_mode)

    def watched_rename(source: str, target: str) -> None:
        seen.append(f"rename {mode_of(Path(source))}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "rename", watched_rename)
    write(tmp_path / "file", b"hush", mode="0600")
    assert seen == ["fsync 0600 4", "rename 0600", "fsync folder"]


@pytest.mark.parametrize("who", [{"owner": "no-such-user"}, {"group": "no-such-group"}])
def test_write_for_nobody_leaves_nothing(tmp_path: Path, who: dict[str, str]) -> None:
    with pytest.raises(HostError, match=r"There is no .* on this host"):
        _host.write_file(str(tmp_path / "file"), b"hush", **{"owner": ME, "group": US, **who})
    assert names_in(tmp_path) == []


def test_write_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="No such file or directory"):
        write(tmp_path / "none" / "file", b"")


@as_root
def test_blocks(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    assert _host.write_blocks(path, [b"a"], mode="0755") == OF_A
    assert mode_of(tmp_path / "file") == "0755"
    (tmp_path / "file").write_bytes(b"0123456789")
    assert b"".join(_host.read_blocks(path, offset=3, length=4)) == b"3456"
    with pytest.raises(HostError, match="shorter than it should be"):
        list(_host.read_blocks(path, offset=8, length=4))


@as_root
def test_blocks_do_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(HostError, match="Writing"):
        _host.write_blocks(str(tmp_path / "link"), [b"a"])
    assert not (tmp_path / "target").exists()


def test_rename(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "file").write_bytes(b"old")
    _host.rename_file(str(tmp_path / "new"), str(tmp_path / "file"))
    assert (names_in(tmp_path), (tmp_path / "file").read_bytes()) == (["file"], b"new")
    with pytest.raises(HostError, match=r"Renaming .*/new to .*/file failed"):
        _host.rename_file(str(tmp_path / "new"), str(tmp_path / "file"))


def test_links(tmp_path: Path) -> None:
    link = str(tmp_path / "link")
    (tmp_path / ".link.new").symlink_to("what a run that died left")
    for target in ("one", "two"):
        _host.make_link(link, target)
        assert _host.link_state(link) == f"link:{target}"
    assert names_in(tmp_path) == ["link"]
    (tmp_path / "file").touch()
    assert _host.link_state(str(tmp_path / "file")) == "other"


def test_attributes(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    _host.set_attributes(str(tmp_path / "file"), mode="0600", owner=str(os.geteuid()), group=US)
    assert mode_of(tmp_path / "file") == "0600"
    with pytest.raises(HostError, match=r"Setting owner and mode of .*/none failed"):
        _host.set_attributes(str(tmp_path / "none"), mode="0600", owner=ME, group=US)


@as_root
def test_directories(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    _host.make_directory(str(deep), mode="0700")
    assert (mode_of(deep), mode_of(tmp_path / "a")) == ("0700", "0755")
    _host.make_directory(str(deep), mode="0750")
    assert _host.directory_state(str(deep)) == ("0750", "root", "root")
    _host.make_directory_of(str(tmp_path / "c" / "file"))
    assert (tmp_path / "c").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match=r"Making the directory .*/file failed: File exists"):
        _host.make_directory(str(tmp_path / "file"))


def test_remove(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for _again in range(2):
        _host.remove_file(str(tmp_path / "file"))
        assert names_in(tmp_path) == []
    _host.remove_file(str(tmp_path / "none" / "file"))
    with pytest.raises(HostError, match=r"Removing .* failed"):
        _host.remove_file(str(tmp_path))


def test_move_aside_deletes_nothing(tmp_path: Path) -> None:
    moved = []
    for content in ("one", "two"):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "file").write_text(content)
        moved.append(_host.move_aside(str(tmp_path / "data")))
    assert _host.move_aside(str(tmp_path / "data")) is None
    assert [Path(path, "file").read_text() for path in moved if path] == ["one", "two"]
    assert all(path and path.startswith(str(tmp_path / "data.aside-")) for path in moved)


def test_move_aside_of_a_mount_moves_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mount point cannot be renamed; what was moved aside in it before stays."""
    data = tmp_path / "data"
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(data))
    data.mkdir()
    moved = []
    for content in ("one", "two"):
        (data / "file").write_text(content)
        moved.append(_host.move_aside(str(data)))
        assert not (data / "file").exists()
    assert [Path(path, "file").read_text() for path in moved if path] == ["one", "two"]
    assert all(path and Path(path).parent == data for path in moved)


@as_root
def test_json(tmp_path: Path) -> None:
    path = str(tmp_path / "state" / "file.json")
    assert _host.read_json(path) is None
    _host.write_json(path, {"b": [1], "a": "ä"})
    assert _host.read_json(path) == {"a": "ä", "b": [1]}
    Path(path).write_text("{")
    assert _host.read_json(path) is None


def test_free_space(tmp_path: Path) -> None:
    assert _host.free_bytes(str(tmp_path / "not" / "there" / "yet")) == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)


# --- locks -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_host, "LOCK_DIRECTORY", str(tmp_path))
    return tmp_path


def test_second_run_is_refused_and_told_who_the_first_is(locks: Path) -> None:
    with (
        _host.locked("test"),
        pytest.raises(HostError, match=rf"Another run holds {locks}/quorate-test.lock \(process {os.getpid()} since 20"),
        _host.locked("test", timeout=0),
    ):
        pass


def test_lock_is_free_again_after_an_error(locks: Path) -> None:
    with pytest.raises(ValueError, match="mine"), _host.locked("test"):
        raise ValueError("mine")
    with _host.locked("test", timeout=0), _host.locked("other", timeout=0):
        assert names_in(locks) == ["quorate-other.lock", "quorate-test.lock"]


def test_lock_of_a_run_that_was_killed_is_free(locks: Path) -> None:
    code = f"import fcntl, time; f = open({str(locks / 'quorate-test.lock')!r}, 'w'); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(HostError, match="unknown holder"), _host.locked("test", timeout=0):
            pass
        holder.kill()
    with _host.locked("test", timeout=0):
        pass


# --- users -------------------------------------------------------------------------------------------------------------


def test_users() -> None:
    assert (_host.user_exists(ME), _host.user_exists("no-such-user")) == (True, False)
    assert (_host.user_id(ME), _host.group_id(US)) == (os.geteuid(), os.getegid())
    assert (_host.user_id("54321"), _host.group_id("54321")) == (54321, 54321)
    with pytest.raises(HostError, match="There is no user no-such-user"):
        _host.user_id("no-such-user")
    with pytest.raises(HostError, match="There is no group no-such-group"):
        _host.group_id("no-such-group")


# --- processes ---------------------------------------------------------------------------------------------------------


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_run_tells_code_and_both_outputs() -> None:
    code = "import sys; print(sys.stdin.read(), end=''); print('oops', file=sys.stderr); sys.exit(3)"
    assert _host.run(python(code), stdin=b"a\xff", check=False) == _host.Completed(3, "a\ufffd", "oops\n")


def test_run_has_no_shell() -> None:
    assert _host.run(["echo", "$HOME; `id`"]).out == "$HOME; `id`\n"


def test_run_speaks_one_language_and_finds_programs_of_the_administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/nonexistent")
    done = _host.run(["env"], environment={"MORE": "yes"})
    variables = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    assert (variables["LC_ALL"], variables["MORE"]) == ("C.UTF-8", "yes")
    assert "/usr/sbin" in variables["PATH"].split(":")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["no-such-program"], "There is no program no-such-program on this host", id="no program"),
        pytest.param(python("import sys; sys.exit('the cause')"), "failed with exit code 1: the cause", id="error output"),
        pytest.param(python("import sys; print('the cause'); sys.exit(1)"), "failed with exit code 1: the cause", id="output"),
        pytest.param(["/"], "cannot be run: Permission denied", id="not executable"),
    ],
)
def test_run_tells_why_it_failed(arguments: list[str], message: str) -> None:
    with pytest.raises(HostError, match=message):
        _host.run(arguments)


def test_run_does_not_wait_for_ever() -> None:
    with pytest.raises(HostError, match=r"'sleep 60' gave no answer in 0.1 s"):
        _host.run(["sleep", "60"], timeout=0.1)


def test_long_error_is_cut_to_its_end() -> None:
    with pytest.raises(HostError) as caught:
        _host.run(python("import sys; sys.exit('x' * 5000 + 'the end')"))
    assert str(caught.value).endswith("the end")
    assert len(str(caught.value)) < 2200


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose name has what separates the fields of /proc/PID/stat."""
    program = tmp_path / "a) b (c"
    shutil.copy(shutil.which("sleep") or "", program)
    with subprocess.Popen([str(program), "60"], env={"QUORATE_INPUTS": "abc=d", "EMPTY": ""}) as running:
        yield running
        running.kill()


def test_what_a_process_was_started_with(process: subprocess.Popen[bytes]) -> None:
    # Before it is the program, a process is a copy of its parent.
    assert _host.wait_until(
        lambda: _host.process_environment(process.pid) == {"QUORATE_INPUTS": "abc=d", "EMPTY": ""}, timeout=5, poll=0.01
    )


def test_when_a_process_was_started(process: subprocess.Popen[bytes]) -> None:
    started = _host.process_started(process.pid)
    assert started is not None
    assert 0 <= time.time() - started < 10
    mine = _host.process_started(os.getpid())
    assert mine is not None
    assert mine < started


def test_a_process_that_is_gone() -> None:
    with subprocess.Popen(["true"]) as ended:
        # A zombie first: it has ended, and nobody has asked for its exit code.
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert _host.process_environment(ended.pid) == {}
    assert _host.process_environment(ended.pid) == {}
    assert _host.process_started(ended.pid) is None


# --- systemd -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts programs in the place of those of the machine; each notes its arguments, one a line."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def make(name: str, script: str) -> Path:
        program, called = folder / name, tmp_path / f"{name}.called"
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{called}\n{script}\n')
        program.chmod(0o755)
        return called

    return make


def test_unit_states(programs: Callable[[str, str], Path]) -> None:
    """The output is systemd's own; the order of the properties is not that of the question."""
    called = programs("systemctl", f"cat {FIXTURES / 'systemctl_show.txt'}")
    names = ["ssh.service", "systemd-sysctl.service", "it-failed.service", "it-none.service"]
    states = _host.unit_states(iter(names))
    assert called.read_text().splitlines()[-4:] == names
    assert list(states) == names
    running, exited, failed, absent = (states[name] for name in names)
    assert (running.loaded, running.active, running.enabled, running.static, running.pid) == (True, "active", True, False, 58)
    assert running.invocation == "ea4350e1ad3f4fca8a2ae7b3af924f31"
    assert running.activated == pytest.approx(time.time() - time.monotonic() + 4029.895788, abs=0.5)
    assert (exited.active, exited.enabled, exited.static, exited.pid) == ("active", True, True, 0)
    assert (failed.active, failed.enabled, failed.reload_needed) == ("failed", False, False)
    assert (absent.loaded, absent.active, absent.enabled, absent.static, absent.invocation) == (False, "inactive", False, False, "")
    assert absent.activated == 0
    assert [state.ended for state in (running, exited, failed, absent)] == [False, False, True, True]


def test_states_of_no_unit_ask_nobody(programs: Callable[[str, str], Path]) -> None:
    called = programs("systemctl", "exit 1")
    assert _host.unit_states([]) == {}
    assert not called.exists()


def test_systemctl_that_fails_is_an_error(programs: Callable[[str, str], Path]) -> None:
    programs("systemctl", "echo 'Unit x.service has a bad unit setting.' >&2; exit 1")
    with pytest.raises(HostError, match=r"'systemctl restart x.service' failed with exit code 1: Unit x.service has a bad"):
        _host.systemctl("restart", "x.service")


def test_journal(programs: Callable[[str, str], Path]) -> None:
    entries = [{"MESSAGE": "one", "_SYSTEMD_INVOCATION_ID": "a"}, {"MESSAGE": [116, 119, 255], "INVOCATION_ID": "a"}, {"MESSAGE": "three"}]
    called = programs("journalctl", "\n".join(f"echo '{json.dumps(entry)}'" for entry in entries))
    programs("systemctl", "echo MainPID=7; echo InvocationID=a; echo NRestarts=0")
    assert _host.journal_tail("x.service", lines=2) == "tw\ufffd\nthree"
    words = called.read_text().split()
    assert words[words.index("--unit") + 1] == "x.service"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        pytest.param("MainPID=7; echo InvocationID=b; echo NRestarts=5", "why\nit ended", id="begun again"),
        pytest.param("MainPID=0; echo InvocationID=b; echo NRestarts=5", "why\nit ended\nagain", id="between two starts"),
        pytest.param("MainPID=7; echo InvocationID=b; echo NRestarts=0", "why\nit ended\nagain", id="started once: it is what hangs"),
    ],
)
def test_journal_of_what_ends_again_and_again(programs: Callable[[str, str], Path], state: str, told: str) -> None:
    """The first lines of the next start say nothing about why the one before ended."""
    entries = [("why", "_SYSTEMD_INVOCATION_ID", "a"), ("it ended", "INVOCATION_ID", "a"), ("again", "_SYSTEMD_INVOCATION_ID", "b")]
    programs("journalctl", "\n".join(f"echo '{json.dumps({'MESSAGE': text, field: start})}'" for text, field, start in entries))
    programs("systemctl", f"echo {state}")
    assert _host.journal_tail("x.service") == told


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param("MainPID=7; echo InvocationID=b", "MainPID=0; echo InvocationID=b", id="it ended while its journal was read"),
        pytest.param("MainPID=0; echo InvocationID=a", "MainPID=0; echo InvocationID=b", id="it began and ended"),
        pytest.param("MainPID=0; echo InvocationID=a", "MainPID=7; echo InvocationID=b", id="it began"),
    ],
)
def test_journal_of_a_start_that_was_read_half(programs: Callable[[str, str], Path], tmp_path: Path, first: str, then: str) -> None:
    entries = [("why", "_SYSTEMD_INVOCATION_ID", "a"), ("it ended", "INVOCATION_ID", "a"), ("again", "_SYSTEMD_INVOCATION_ID", "b")]
    programs("journalctl", "\n".join(f"echo '{json.dumps({'MESSAGE': text, field: start})}'" for text, field, start in entries))
    asked = tmp_path / "asked"
    programs("systemctl", f"echo NRestarts=5; if [ -e {asked} ]; then echo {then}; else : >{asked}; echo {first}; fi")
    assert _host.journal_tail("x.service") == "why\nit ended"


def test_a_host_without_a_journal_has_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_words: object, **_options: object) -> None:
        raise HostError("There is no program journalctl on this host.")

    monkeypatch.setattr(_host, "run", missing)
    assert _host.journal_tail("x.service") == ""


# --- time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "timeout", "result", "asked"),
    [
        pytest.param([True], 5, True, 1, id="at once"),
        pytest.param([False, False, True], 5, True, 3, id="the third time"),
        pytest.param([False], 0, False, 1, id="asked once at least"),
        pytest.param([True], 0, True, 1, id="no time needed"),
    ],
)
def test_wait(answers: list[bool], timeout: float, result: bool, asked: int) -> None:
    left = list(answers)
    assert _host.wait_until(lambda: left.pop(0), timeout=timeout, poll=0.001) is result
    assert len(answers) - len(left) == asked


def test_wait_for_what_lasts() -> None:
    answers, started = [True, False], time.monotonic()
    broken = 0.0

    def holds() -> bool:
        nonlocal broken
        answer = answers.pop(0) if answers else True
        broken = broken if answer else time.monotonic()
        return answer

    assert _host.wait_until(holds, timeout=5, poll=0.01, lasting=0.05)
    assert broken > started
    assert time.monotonic() - broken >= 0.05
    assert not _host.wait_until(lambda: True, timeout=0.05, poll=0.01, lasting=5)


def test_wait_ends() -> None:
    started = time.monotonic()
    assert _host.wait_until(lambda: False, timeout=0.05, poll=0.01) is False
    assert 0.05 <= time.monotonic() - started < 5


def test_interruption_is_not_swallowed() -> None:
    def interrupt() -> bool:
        signal.raise_signal(signal.SIGINT)
        return False

    # A run in the background has the signal ignored.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            _host.wait_until(interrupt, timeout=5)
    finally:
        signal.signal(signal.SIGINT, former)
