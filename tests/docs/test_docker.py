"""The files of docker/ say the same as the profile and the target that they stand in for. No container is started."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from surgectl.cli.main import app
from surgectl.engine.guard import guard
from surgectl.errors import RefusedError
from surgectl.profile.load import load_target, open_rehearsal
from surgectl.stage.boxoffice.options import Options
from surgectl.stage.flags import flags as stage_flags
from tests.docs.pages import ROOT

DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


def flags(service: str) -> dict[str, str]:
    """A service's flags; `--a=b` and `--a b` alike."""
    words = [word for text in SERVICES[service]["command"] for word in str(text).split("=", 1)]
    return {word: words[i + 1] for i, word in enumerate(words[:-1]) if word.startswith("--")}


OURS = ("shop", "worker-1", "worker-2", "payments", "identity", "rehearsal")
PROXIES = {p["name"]: p for p in json.loads((DOCKER / "toxiproxy.json").read_text("utf-8"))}


def test_every_part_is_a_service_of_its_own() -> None:
    """Shop, workers, provider, identity check, PostgreSQL, Redis, the original Toxiproxy and the rehearsal."""
    assert set(SERVICES) == {*OURS, "database", "cache", "toxiproxy"}
    assert SERVICES["toxiproxy"]["image"] == "ghcr.io/shopify/toxiproxy:2.12.0"
    assert {SERVICES[name]["image"] for name in OURS} == {"surgectl"}
    waits, seen = ["rehearsal"], set()
    while waits:
        seen.add(name := waits.pop())
        waits += [other for other in SERVICES[name].get("depends_on", {}) if other not in seen]
    assert seen == set(SERVICES)


def test_a_worker_has_the_words_of_the_shop() -> None:
    """The same sale on the same books; only who listens, who pays and the name differ."""
    for name in ("worker-1", "worker-2"):
        ours, shop = flags(name), flags("shop")
        different = {flag for flag in ours.keys() | shop.keys() if ours.get(flag) != shop.get(flag)}
        assert different == {"--listen", "--payment-workers", "--worker"}
        assert ours["--worker"] == name and int(ours["--payment-workers"]) > 0
        assert SERVICES[name]["environment"] == SERVICES["shop"]["environment"]
    assert shop["--payment-workers"] == "0"


def test_the_shop_is_started_with_what_the_profile_believes() -> None:
    """Capacity, price, limit, promises and admission of ticket-drop; else the audit would measure another sale."""
    profile = SERVICES["rehearsal"]["command"][1]
    rehearsal = open_rehearsal(profile).rehearsal
    shop = flags("shop")
    assert shop["--capacity"] == str(rehearsal.sale.tickets)
    assert shop["--price"] == str(rehearsal.sale.price)
    assert shop["--limit"] == str(rehearsal.sale.limit)
    assert shop["--seed"] == str(rehearsal.seed)
    for name, value in rehearsal.promises.items():
        assert shop[f"--{name.replace('_', '-')}"] == str(value), name
    assert float(shop["--admission-per-s"]) == rehearsal.stage["admission_per_s"]
    assert flags("payments")["--latency"] == rehearsal.stage["provider_latency"]
    assert set(rehearsal.stage) == {"admission_per_s", "provider_latency"}


def test_the_target_differs_only_in_its_head() -> None:
    """Journey, claims, mapping and keys are the shipped target's."""
    shipped = yaml.safe_load((ROOT / "profiles/targets/boxoffice.yaml").read_text("utf-8"))
    ours = yaml.safe_load((DOCKER / "target.yaml").read_text("utf-8"))
    shipped["evidence"]["charges"]["stripe"]["base_url"] = ours["evidence"]["charges"]["stripe"]["base_url"]
    different = {key for key in shipped.keys() | ours.keys() if shipped.get(key) != ours.get(key)}
    assert different == {"name", "about", "stage", "base_url", "origins", "allow", "links"}


def test_addresses_fit_together() -> None:
    """Who is asked where, listens there: shop, provider, its control port, each link and Toxiproxy's own port."""
    target = load_target(DOCKER / "target.yaml", environ=SERVICES["rehearsal"]["environment"])
    assert target.base_url == "http://shop:9000" and flags("shop")["--listen"] == "0.0.0.0:9000"
    assert {link.proxy for link in target.links.values()} == set(PROXIES)
    assert {name: link.speaks for name, link in target.links.items() if link.speaks != "http"} == {
        "database": "postgres",
        "cache": "redis",
    }
    shop, house = flags("shop"), SERVICES["shop"]["environment"]
    assert shop["--payments-url"] == f"http://{PROXIES['payments']['listen']}"
    assert shop["--identity-url"] == f"http://{PROXIES['identity']['listen']}"
    assert f"@{PROXIES['database']['listen']}/" in house["SURGECTL_SHOP_DATABASE"]
    assert house["SURGECTL_SHOP_CACHE"] == f"redis://{PROXIES['cache']['listen']}/0"
    assert {proxy["listen"].split(":")[0] for proxy in PROXIES.values()} == {SERVICES["toxiproxy"]["hostname"]}
    behind = {name: proxy["upstream"] for name, proxy in PROXIES.items()}
    listen = {name: flags(name)["--listen"] for name in ("payments", "identity")}
    assert all(behind[name] == f"{name}:{address.rsplit(':')[-1]}" for name, address in listen.items())
    assert (behind["database"], behind["cache"]) == ("database:5432", "cache:6379")
    assert all(proxy["enabled"] for proxy in PROXIES.values())
    assert target.origins["provider"] == "http://payments:9199" and flags("payments")["--control"] == "0.0.0.0:9199"
    assert flags("rehearsal")["--toxiproxy"] == "http://toxiproxy:8474"
    assert (ROOT / flags("rehearsal")["--target"]).samefile(DOCKER / "target.yaml")


def test_what_the_environment_says_is_read() -> None:
    """The variables of shop and workers are those of the shop's own flags."""
    known = {flag.env for flag in stage_flags(Options).values() if flag.env}
    assert set(SERVICES["shop"]["environment"]) == known


async def test_without_allow_it_would_be_refused() -> None:
    """Another container is not this machine."""
    target = load_target(DOCKER / "target.yaml", environ=SERVICES["rehearsal"]["environment"])
    hosts = [target.base_url, *target.origins.values()]
    await guard(hosts, target.allow)
    with pytest.raises(RefusedError):
        await guard(hosts, [])


@pytest.mark.parametrize("service", OURS)
def test_every_command_is_one_of_ours(service: str) -> None:
    """Verb and flags are understood by this surgectl, each value as what it is; nothing is started."""
    words = [str(word) for word in SERVICES[service]["command"]]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "get_command"):
        command = command.get_command(None, words.pop(0))
        assert command is not None
    context = command.make_context(service, words, resilient_parsing=False)
    assert context.params and not context.args


def test_the_install_step_is_one_that_pip_and_sh_understand() -> None:
    """Each RUN line is a shell's; the extra and the constraints that it names exist."""
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    runs = [line.removeprefix("RUN ") for line in text.splitlines() if line.startswith("RUN ")]
    assert len(runs) == 2
    for run in runs:
        subprocess.run(["sh", "-n", "-c", run], check=True)
    words = shlex.split(runs[0])
    assert words[:2] == ["pip", "install"] and "/src[servers]" in words and "/src/constraints.txt" in words
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert "servers" in extras and (ROOT / "constraints.txt").exists()


@pytest.mark.real
def test_the_copied_files_are_enough(tmp_path: Path) -> None:
    """What the COPY lines take, in an empty folder, is a surgectl with its profiles."""
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    for line in text.splitlines():
        if line.startswith("COPY "):
            *sources, to = shlex.split(line)[1:]
            for source in sources:
                target = tmp_path / to.lstrip("/")
                inside = to.endswith("/") or len(sources) > 1
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    into = target / Path(source).name if inside else target
                    into.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, into)
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "surgectl",
            "plan",
            "ticket-drop",
            "--target",
            str(tmp_path / "rehearsal/docker/target.yaml"),
        ],
        cwd=tmp_path / "src",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "src"), "PAY_KEY": "sk_test_stage"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "boxoffice-in-containers" in told.stdout


def test_the_dockerfile_copies_what_exists_and_what_is_let_in() -> None:
    """Each COPY source is in the repository, and the ignore file does not keep it out."""
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    let_in = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = [shlex.split(line)[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    sources = [source for words in copied for source in words]
    assert sources and set(sources) == let_in
    assert all((ROOT / source).exists() for source in sources)
    entry = re.search(r'^ENTRYPOINT \["(\w+)"\]$', text, re.MULTILINE)
    assert entry and entry[1] == "surgectl"
    assert Path(COMPOSE["x-surgectl"]["build"]["dockerfile"]) == Path("docker/Dockerfile")
