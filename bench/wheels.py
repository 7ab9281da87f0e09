"""Does every dependency, also of the server, have a wheel for every Python and platform that pyproject.toml names?

    python bench/wheels.py

Asks pip to resolve the package's dependencies from wheels alone, for each pair; prints a table and exits 1
when one cannot be had.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

EXTRAS = ("server", "remote", "mcp", "otel", "postgres")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {
    "Linux x86-64": ("linux", "x86_64", ["manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64"]),
    "Linux arm64": ("linux", "aarch64", ["manylinux_2_17_aarch64", "manylinux_2_28_aarch64", "manylinux2014_aarch64"]),
    "macOS arm64": ("darwin", "arm64", ["macosx_11_0_arm64", "macosx_13_0_arm64", "macosx_14_0_arm64"]),
    "macOS x86-64": ("darwin", "x86_64", ["macosx_10_13_x86_64", "macosx_11_0_x86_64", "macosx_14_0_x86_64"]),
    "Windows": ("win32", "AMD64", ["win_amd64"]),
}


def main() -> int:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        Requirement(each) for each in (*project["dependencies"], *(line for name in EXTRAS for line in extras[name]))
    ]
    failed = 0
    for name, (system, machine, tags) in PLATFORMS.items():
        here = {"sys_platform": system, "platform_machine": machine}
        names = [written(each, system) for each in wanted if each.marker is None or each.marker.evaluate(here)]
        for python in PYTHONS:
            missing = unavailable(names, python, tags)
            failed += bool(missing)
            print(f"{name:14} {python:5} {missing or 'every dependency has a wheel'}", flush=True)
    return 1 if failed else 0


def written(need: Requirement, system: str) -> str:
    """As pip takes it, which reads the markers of others' packages as for this machine."""
    extras = need.extras
    if system == "win32":
        extras = extras - {"standard"}  # of uvicorn: on Windows it leaves out uvloop, which has no wheel there
    return f"{need.name}[{','.join(sorted(extras))}]{need.specifier}" if extras else f"{need.name}{need.specifier}"


def unavailable(names: list[str], python: str, tags: list[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"]
        command += ["--target", folder, "--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
        for tag in [*tags, "any"]:
            command += ["--platform", tag]
        done = subprocess.run([*command, *names], capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return "" if done.returncode == 0 else (errors or ["failed"])[-1][:150]


if __name__ == "__main__":
    raise SystemExit(main())
