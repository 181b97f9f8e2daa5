"""What the collection wrote is altered or truncated: the next run puts it right, and what works with the right thing goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.cluster.hosts import MANAGED, brought, look, said, starts, untold
from tests.cluster.playbook import fine, play, unchanged

ISSUED = (".crt", ".key")


def digests(host: Host, paths: list[str]) -> dict[str, str]:
    lines = said(host, f"sha256sum {' '.join(paths)}").splitlines()
    return {line.split(maxsplit=1)[1]: line.split()[0] for line in lines}


def attributes(host: Host, paths: list[str]) -> dict[str, str]:
    return dict(line.split(maxsplit=1)[::-1] for line in said(host, f"stat --format='%a:%U:%G %n' {' '.join(paths)}").splitlines())


def undisturbed(host: Host) -> dict[str, str]:
    """When what runs was started. Images are imported again from an archive that was put right, which disturbs nobody."""
    return {name: at for name, at in starts(host).items() if name != "container-images"}


@pytest.fixture(scope="module")
def host(hosts: Mapping[str, Host]) -> Host:
    [only] = hosts.values()
    return only


@pytest.fixture(scope="module")
def managed(host: Host, remembered: Path) -> list[str]:
    """All files that the runs have brought."""
    [fresh] = json.loads(remembered.read_text(encoding="utf-8")).values()
    ours = brought(host, fresh)
    assert len(ours) > 60, ours
    return ours


def test_check_mode_on_the_fresh_host_told_of_all_files(managed: list[str], foretold: Path) -> None:
    assert untold(managed, foretold.read_text(encoding="utf-8")) == []


def alter(host: Host, paths: list[str]) -> None:
    """Every other one is cut off, as programs are, the rest gets another line. In a new file, since nobody can write to a program that runs."""
    lines = []
    for number, path in enumerate(paths):
        change = f"head -c 9 {path}" if number % 2 or path.startswith("/opt") else f"(cat {path}; echo '# altered')"
        lines.append(
            f"{change} >{path}.new; chmod --reference={path} {path}.new; chown --reference={path} {path}.new; mv {path}.new {path}"
        )
    said(host, f"set -e; {'; '.join(lines)}")


def test_files_are_put_right_and_nothing_restarts(host: Host, managed: list[str], inventory: Path) -> None:
    paths = [path for path in managed if not path.endswith(ISSUED)]
    before = (digests(host, paths), attributes(host, paths), undisturbed(host))
    sizes = look(host, "files", *MANAGED)
    alter(host, paths)
    altered = look(host, "files", *MANAGED)
    assert [path for path in paths if altered[path]["size"] == sizes[path]["size"]] == []
    said(host, f"chmod 0666 {paths[0]}")
    told = fine(play("site", "--check", "--diff", inventory=inventory))
    assert [path for path in paths if path not in told.output] == []
    fine(play("site", inventory=inventory))
    assert (digests(host, paths), attributes(host, paths), undisturbed(host)) == before


def test_certificates_and_keys_are_put_right(
    host: Host, managed: list[str], inventory: Path, kubectl: Callable[..., str], node_names: list[str]
) -> None:
    """A certificate that cannot be read is issued anew, and a key that cannot be read made anew."""
    paths = [path for path in managed if path.endswith(ISSUED)]
    assert len(paths) > 20
    before = attributes(host, paths)
    alter(host, paths)
    fine(play("site", inventory=inventory))
    assert attributes(host, paths) == before
    for path in paths:
        said(host, f"openssl {'x509' if path.endswith('.crt') else 'pkey'} -noout -in {path}")
    kubectl("wait", "--for=condition=Ready", f"node/{node_names[0]}", "--timeout=60s")
    unchanged(fine(play("site", inventory=inventory)))
