# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of a lab host: a small Debian that boots systemd and lets Ansible in."""

from __future__ import annotations

import hashlib
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from .paths import Cache
from .process import LabError, as_root, run, run_long, say

REPOSITORY = "localhost/quorate-host"
SUITE = "bookworm"
PACKAGES = (
    # boots and lets Ansible in
    "systemd", "systemd-sysv", "dbus", "udev", "openssh-server", "python3", "python3-apt", "sudo",
    # what Kubernetes nodes need from their distribution
    "iproute2", "iptables", "nftables", "conntrack", "ipset", "ebtables", "ethtool", "socat", "kmod", "procps", "haproxy",
    "libseccomp2",
    # what the roles and their tests use
    "openssl", "ca-certificates", "curl", "tar", "gzip", "xz-utils", "zstd", "iputils-ping", "util-linux",
)  # fmt: skip
MASKED = (
    "getty@tty1.service", "console-getty.service", "haproxy.service",
    # these act on the machine's kernel and devices, which are not a container's
    "systemd-udev-trigger.service", "systemd-binfmt.service",
    # these would work behind a test's back
    "apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "e2scrub_reap.service",
)  # fmt: skip

# podman binds these files: an atomic rename onto a mount fails, and servers have plain files.
# The file below the mount stays over a restart, so what was written to it stays too.
FIRST_STEPS = """#!/bin/sh
for file in /etc/hostname /etc/resolv.conf; do
    mountpoint -q "$file" || continue
    content=$(cat "$file")
    umount "$file"
    [ -s "$file" ] || printf '%s\\n' "$content" > "$file"
done
[ -s /etc/hosts ] || printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n::1 localhost ip6-localhost\\n' "$(cat /etc/hostname)" > /etc/hosts
[ -s /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
"""
FIRST_STEPS_UNIT = """[Unit]
Description=Make a container look like a server
DefaultDependencies=no
Before=sysinit.target ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-first-steps

[Install]
WantedBy=sysinit.target
"""
# The kernel's log is the machine's: every host would repeat all of it.
JOURNALD = "[Journal]\nReadKMsg=no\n"
# Servers mostly let in somebody who becomes root, and not root. It may log in with the same key.
ADMIN = "admin"
SUDO = f"{ADMIN} ALL=(ALL) NOPASSWD: ALL\n"
SSHD = "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\nMaxStartups 100\nMaxSessions 100\n"


def files(public_key: str) -> dict[str, tuple[int, str]]:
    """What the image has beside Debian's packages: path -> (mode, content)."""
    return {
        "root/.ssh/authorized_keys": (0o600, public_key),
        f"home/{ADMIN}/.ssh/authorized_keys": (0o600, public_key),
        f"etc/sudoers.d/{ADMIN}": (0o440, SUDO),
        "etc/ssh/sshd_config.d/lab.conf": (0o644, SSHD),
        "etc/systemd/journald.conf.d/lab.conf": (0o644, JOURNALD),
        "etc/systemd/system/lab-first-steps.service": (0o644, FIRST_STEPS_UNIT),
        "usr/local/sbin/lab-first-steps": (0o755, FIRST_STEPS),
    }


def empty_files() -> tuple[str, ...]:
    """Empty in the image, so that the first start of a container fills them; a machine identity is never shared."""
    return ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/machine-id")


def hooks(tree: Path) -> list[str]:
    """Shell commands that mmdebstrap runs when the packages are in; "$1" is the root of the image."""
    masked = " ".join(MASKED)
    emptied = " ".join(f'"$1/{name}"' for name in empty_files())
    return [
        f'chroot "$1" useradd --create-home --shell /bin/bash {ADMIN}',
        f'cp -r --no-preserve=ownership "{tree}/." "$1/"',
        f'chroot "$1" chown -R {ADMIN}: /home/{ADMIN}',
        f'for file in {emptied}; do rm -f "$file"; : > "$file"; done',
        'rm -f "$1"/etc/ssh/ssh_host_*',
        f'systemctl --root "$1" mask {masked}',
        'systemctl --root "$1" enable lab-first-steps.service',
        'rm -rf "$1"/var/lib/apt/lists/* "$1"/usr/share/doc/* "$1"/usr/share/locale/*',
    ]


def tag(*, public_key: str, architecture: str) -> str:
    """The name of the image made by this recipe: another recipe is another image."""
    recipe = repr((SUITE, PACKAGES, sorted(files(public_key).items()), hooks(Path("tree")), architecture))
    return f"{REPOSITORY}:{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"


def is_debian_source(text: str) -> bool:
    """Whether an apt source is Debian's own archive of the suite (a mirror of it too), and not another vendor's."""
    suite = re.search(rf"(?:^|\s){SUITE}(?:-updates|-security)?(?:\s|$)", text)
    return suite is not None and re.search(r"(?:^|\s)main(?:\s|$)", text) is not None


def sources(root: Path = Path("/etc/apt")) -> list[Path]:
    """The machine's own apt sources for Debian, so that its mirror is the image's mirror."""
    candidates = [
        root / "sources.list",
        *sorted((root / "sources.list.d").glob("*.list")),
        *sorted((root / "sources.list.d").glob("*.sources")),
    ]
    return [path for path in candidates if path.is_file() and is_debian_source(_without_comments(path.read_text(encoding="utf-8")))]


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def proxies(dump: str) -> list[str]:
    """The proxy settings in the output of apt-config dump."""
    return [line for line in dump.splitlines() if re.match(r'Acquire::\w+::Proxy\S*\s+".+";', line, re.IGNORECASE)]


def ensure_key(cache: Cache) -> str:
    """The public half of the lab's own SSH key, made at the first call."""
    if not cache.key.exists():
        cache.lab.mkdir(parents=True, exist_ok=True, mode=0o700)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "quorate-lab", "-f", str(cache.key)])
    return cache.key.with_suffix(".pub").read_text(encoding="utf-8")


def ensure(*, cache: Cache, architecture: str) -> str:
    """Make the image unless it is there; returns its name."""
    public_key = ensure_key(cache)
    name = tag(public_key=public_key, architecture=architecture)
    if run(as_root(["podman", "image", "exists", name]), check=False).returncode == 0:
        return name
    cache.build.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache.build, prefix="image-") as folder:
        _build(Path(folder), name=name, public_key=public_key)
    for old in images():
        if old != name:
            # One that is still in use by a container is refused, and goes with that container's next call.
            run(as_root(["podman", "image", "rm", old]), check=False)
    return name


def images() -> list[str]:
    """The host images in podman's storage."""
    done = run(as_root(["podman", "images", "--filter", f"reference={REPOSITORY}", "--format", "{{.Repository}}:{{.Tag}}"]))
    return done.stdout.split()


def _build(folder: Path, *, name: str, public_key: str) -> None:
    if shutil.which("mmdebstrap") is None:
        raise LabError("cannot make the image of the lab's hosts: mmdebstrap is not installed; run 'python3 -m lab setup' first")
    tree = folder / "tree"
    for path, (mode, content) in files(public_key).items():
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        target.chmod(mode)
    for home in ("root", f"home/{ADMIN}"):
        (tree / home).chmod(0o700)
        (tree / home / ".ssh").chmod(0o700)
    archive = folder / "host.tar"
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", '--aptopt=Acquire::Languages "none"']
    command += [f"--aptopt={line}" for line in proxies(run(["apt-config", "dump"]).stdout)]
    command += [
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        *(f"--customize-hook={hook}" for hook in hooks(tree)),
    ]
    command += [SUITE, str(archive), *(str(path) for path in sources())]
    run_long(as_root(command), label="host image", log=folder.parent / "image.log")
    with tarfile.open(archive) as made:
        if "./usr/sbin/sshd" not in made.getnames():
            raise LabError(f"mmdebstrap made an image without an SSH server; see {folder.parent / 'image.log'}")
    changes = ['CMD ["/sbin/init"]', "STOPSIGNAL SIGRTMIN+3", "LABEL quorate.lab=host"]
    run(as_root(["podman", "import", *(word for change in changes for word in ("--change", change)), str(archive), name]))
    say(f"host image: {name}")
