"""What is shipped to run the server with is valid, and every setting, command, path and port in it exists."""

import io
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from dataclasses import fields
from pathlib import Path

import crossplane
import pytest
import uvicorn
import yaml
from dockerfile_parse import DockerfileParser
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from typer.main import get_command

from mnemic import AsyncMemory, config
from mnemic.cli import serving
from mnemic.cli.main import app as commands
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(DEPLOY.iterdir())
PAGES = [ROOT / "docs" / "server.md"]

VARIABLES = {f"MNEMIC_{each.name.upper()}" for each in fields(config.Settings)} | {"MNEMIC_HOME"}
SERVER_VARIABLES = {f"MNEMIC_SERVER_{name.upper()}" for name in ServerSettings.model_fields}


def text(name):
    return (DEPLOY / name).read_text(encoding="utf-8")


def read(words):
    """The options of a command line of ours, as they are understood; raises what a mistyped one raises."""
    command = get_command(commands)
    context = command.make_context("mnemic", list(words), resilient_parsing=False)
    while hasattr(context.command, "resolve_command"):
        name, inner, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        context = inner.make_context(name, rest, parent=context)
    return context.command.name, context.params


def instructions(name):
    """Of the Dockerfile: its stages, each a list of (instruction, value)."""
    parser = DockerfileParser(fileobj=io.BytesIO((DEPLOY / "Dockerfile").read_bytes()))
    stages = []
    for each in parser.structure:
        if each["instruction"] == "FROM":
            stages.append([])
        if each["instruction"] != "COMMENT":
            stages[-1].append((each["instruction"], each["value"]))
    return stages if name is None else [[value for key, value in stage if key == name] for stage in stages]


# Settings and commands.


@pytest.mark.parametrize("file", [*FILES, *PAGES], ids=lambda path: path.name)
def test_every_variable_that_is_named_is_one_of_ours(file):
    named = set(re.findall(r"\bMNEMIC_[A-Z_]*[A-Z]\b", file.read_text(encoding="utf-8")))
    assert named - VARIABLES - SERVER_VARIABLES - {"MNEMIC_SERVER"} == set()


@pytest.mark.parametrize("file", [*FILES, *PAGES], ids=lambda path: path.name)
def test_every_command_that_is_named_is_one_of_ours(file):
    lines = re.findall(r"(?:^[# ]*|[$ /=]|-- )mnemic ((?:serve|keys|worker|backup|restore|doctor|erase|stats|export)\b.*)$",
                       file.read_text(encoding="utf-8"), re.MULTILINE)  # fmt: skip
    for line in lines:
        words = shlex.split(re.split(r"[`&|>;]|  +", line)[0], comments=True)
        assert read(words)[0] == (words[1] if words[0] == "keys" else words[0]), line


def test_the_container_serves_where_its_health_is_asked_and_its_port_is_open():
    _, run = instructions("ENV")
    environment = dict(re.findall(r"([A-Z_]+)=(\S+)", " ".join(run)))
    port = environment["MNEMIC_SERVER_PORT"]
    assert port == str(ServerSettings().port)
    assert environment["MNEMIC_SERVER_HOST"] == "0.0.0.0"
    assert instructions("EXPOSE")[1] == [port]
    (health,) = instructions("HEALTHCHECK")[1]
    assert f"http://127.0.0.1:{port}/healthz" in health
    (entry,), (command,) = instructions("ENTRYPOINT")[1], instructions("CMD")[1]
    assert yaml.safe_load(entry) == ["mnemic"]
    assert read(yaml.safe_load(command))[0] == "serve"


def test_the_health_check_of_the_container_is_answered():
    """The very program of the file, against a server that runs, and where none does."""
    (health,) = instructions("HEALTHCHECK")[1]
    words = yaml.safe_load(health.partition("CMD ")[2])
    assert words[:2] == ["python", "-c"]

    app = create_app(AsyncMemory(":memory:"), ServerSettings(database=":memory:"))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    program = words[2].replace(":8000", f":{server.servers[0].sockets[0].getsockname()[1]}")
    assert program != words[2]
    try:
        subprocess.run([sys.executable, "-c", program], check=True)
    finally:
        server.should_exit = True
        thread.join(10)
    gone = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert gone.returncode != 0


# The image.


def test_the_image_is_built_from_files_that_are_there_and_are_not_ignored():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    copied = [word for value in instructions("COPY")[0] for word in value.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {"pyproject.toml", project["readme"], *project["license-files"], "src"} == set(copied)
    ignored = text("Dockerfile.dockerignore").splitlines()
    assert ignored[1] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)


def test_the_image_installs_extras_that_we_have():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (build,) = [value for value in instructions("RUN")[0] if "pip" in value]
    named = re.search(r'"\.\[([\w,]+)\]"', build)[1].split(",")
    assert {"server", "postgres"} <= set(named) <= set(extras)


def test_the_image_runs_a_python_that_we_support_as_nobody_in_particular_and_without_tools():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stages = instructions(None)
    images = [value.split()[0] for (_, value), *_ in stages]
    assert len(set(images)) == 1
    version = re.fullmatch(r"python:(\d+\.\d+)-slim", images[0])[1]
    assert Version(version) in SpecifierSet(project["requires-python"])
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]
    assert instructions("USER")[1] == ["10001:10001"]
    (last,) = instructions("RUN")[1]
    assert "pip uninstall" in last
    assert "--uid 10001" in last
    assert "apt-get" not in text("Dockerfile")


@pytest.mark.parametrize("stage", [0, 1])
def test_what_the_image_runs_to_be_built_is_a_shell_script(stage):
    for value in instructions("RUN")[stage]:
        subprocess.run(["sh", "-n", "-c", value], check=True)


# Compose.


def composed():
    return yaml.safe_load(text("compose.yaml"))


def test_the_compose_file_keeps_to_the_specification(tmp_path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*command, str(DEPLOY / "compose.yaml")], check=True)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text("compose.yaml").replace("restart:", "restarts:"))
    assert subprocess.run([*command, str(wrong)], check=False, capture_output=True).returncode == 1


def test_the_services_run_commands_that_we_have_on_one_database():
    services = composed()["services"]
    assert read(services["server"]["command"])[0] == "serve"
    name, options = read(services["worker"]["command"])
    assert (name, options["all_projects"]) == ("worker", True)
    address = services["server"]["environment"]["MNEMIC_PATH"]
    assert services["worker"]["environment"] == services["server"]["environment"]
    database = services["db"]["environment"]
    assert address.startswith(f"postgresql://{database['POSTGRES_USER']}:${{POSTGRES_PASSWORD")
    assert address.endswith(f"@db:5432/{database['POSTGRES_DB']}")


def test_the_settings_of_the_services_are_understood(monkeypatch):
    for name, value in composed()["services"]["server"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{.*?\}", "", value))
    settings = ServerSettings()
    assert (settings.work, settings.workers) == (False, 2)


def test_services_wait_for_the_database_keep_no_privileges_and_have_time_to_end():
    services = composed()["services"]
    for name in ("server", "worker"):
        assert services[name]["depends_on"]["db"]["condition"] == "service_healthy"
        assert services[name]["cap_drop"] == ["ALL"]
        assert int(services[name]["stop_grace_period"].rstrip("s")) > serving._PATIENCE
    assert "healthcheck" in services["db"]
    assert services["server"]["ports"] == [f"127.0.0.1:8000:{ServerSettings().port}"]


def test_every_secret_of_the_services_is_in_the_example_without_a_value():
    asked = set(re.findall(r"\$\{(\w+)", text("compose.yaml")))
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", text("env.example"), re.MULTILINE))
    assert asked <= given.keys()
    assert given["POSTGRES_PASSWORD"] == ""


def test_the_database_image_has_a_version_that_is_supported():
    version = re.fullmatch(r"pgvector/pgvector:0\.\d+\.\d+-pg(\d+)", composed()["services"]["db"]["image"])[1]
    assert int(version) >= 16
    assert (ROOT / "docs" / "operating.md").read_text(encoding="utf-8").count("PostgreSQL 16 or later") == 1


# Systemd.


def unit():
    """Settings of the unit, each with all its values."""
    found = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", text("mnemic.service"), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_unit_runs_a_command_that_we_have_where_it_may_write():
    (started,) = unit()["ExecStart"]
    program, *words = shlex.split(started)
    assert Path(program).name == "mnemic"
    assert read(words)[0] == "serve"
    assert f"MNEMIC_HOME=%S/{unit()['StateDirectory'][0]}" in unit()["Environment"]
    assert int(unit()["TimeoutStopSec"][0]) > serving._PATIENCE


def test_the_unit_is_confined():
    for name, value in {
        "DynamicUser": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
        "PrivateDevices": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "RestrictNamespaces": "yes",
    }.items():  # fmt: skip
        assert unit()[name] == [value]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_the_unit_is_valid(tmp_path):
    def verified(of):
        file = tmp_path / "mnemic.service"
        file.write_text(of.replace("/opt/mnemic/bin/mnemic", sys.executable))
        done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
        return done.returncode, [line for line in done.stderr.splitlines() if "mnemic.service" in line]

    assert verified(text("mnemic.service")) == (0, [])
    _, told = verified(text("mnemic.service").replace("ProtectHome=", "ProtectHomes="))
    assert any("Unknown key" in line for line in told)


# Proxies.


def test_nginx_understands_its_file(tmp_path):
    def errors(of):
        (tmp_path / "mnemic.conf").write_text(of)
        whole = tmp_path / "nginx.conf"
        whole.write_text("events {}\nhttp { include mnemic.conf; }\n")
        return [each["error"] for each in crossplane.parse(str(whole), strict=True, check_ctx=True)["errors"]]

    assert errors(text("nginx.conf")) == []
    assert len(errors(text("nginx.conf").replace("proxy_buffering off", "proxy_buffer off"))) == 1


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
async def test_proxies_lead_to_the_port_of_the_server_and_keep_its_figures(name, client):
    assert re.findall(r"127\.0\.0\.1:(\d+)", text(name)) == [str(ServerSettings().port)]
    (hidden,) = set(re.findall(r"(?:path|location =) (/\w+)", text(name)))
    assert (await client.get(hidden)).status_code == 200
    size = re.search(r"(?:max_size|client_max_body_size) (\d+)(?:m|MB)\b", text(name))[1]
    assert int(size) == ServerSettings().max_body_bytes // 2**20


@pytest.mark.skipif(shutil.which("caddy") is None, reason="needs caddy")
def test_caddy_understands_its_file():
    command = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "not formatted" not in done.stderr


def test_the_named_host_is_the_same_everywhere():
    hosts = {
        name: set(re.findall(r"\b[\w.]+\.example\.com\b", text(name)))
        for name in ("nginx.conf", "Caddyfile", "env.example")
    }
    assert set(map(frozenset, hosts.values())) == {frozenset({"memory.example.com"})}
