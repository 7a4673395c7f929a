"""The files of docker/ say the same as the profile and the target that they stand in for. No container is started."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from surgectl.engine.guard import guard
from surgectl.errors import RefusedError
from surgectl.profile.load import load_target, open_rehearsal
from tests.docs.pages import ROOT, surgectl

DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]


def flags(service: str) -> dict[str, str]:
    """A service's flags; `--a=b` and `--a b` alike."""
    words = [word for text in SERVICES[service]["command"] for word in str(text).split("=", 1)]
    return {word: words[i + 1] for i, word in enumerate(words[:-1]) if word.startswith("--")}


def test_every_part_is_a_service_of_its_own() -> None:
    """Shop, provider, the original Toxiproxy and the rehearsal; ours from one image."""
    assert set(SERVICES) == {"shop", "payments", "toxiproxy", "rehearsal"}
    assert SERVICES["toxiproxy"]["image"] == "ghcr.io/shopify/toxiproxy:2.12.0"
    assert {SERVICES[name]["image"] for name in ("shop", "payments", "rehearsal")} == {"surgectl"}
    assert set(SERVICES["rehearsal"]["depends_on"]) == set(SERVICES) - {"rehearsal"}


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
    """Who is asked where, listens there: shop, provider, its control port, the link and Toxiproxy's own port."""
    target = load_target(DOCKER / "target.yaml", environ=SERVICES["rehearsal"]["environment"])
    assert target.base_url == "http://shop:9000" and flags("shop")["--listen"] == "0.0.0.0:9000"
    link = target.links["payments"]
    assert flags("shop")["--payments-url"] == f"http://{link.listen}"
    assert link.listen.split(":")[0] == SERVICES["toxiproxy"]["hostname"] == "toxiproxy"
    assert link.upstream == "payments:9100" and flags("payments")["--listen"] == "0.0.0.0:9100"
    assert target.origins["provider"] == "http://payments:9199" and flags("payments")["--control"] == "0.0.0.0:9199"
    assert flags("rehearsal")["--toxiproxy"] == "http://toxiproxy:8474"
    assert (ROOT / flags("rehearsal")["--target"]).samefile(DOCKER / "target.yaml")


async def test_without_allow_it_would_be_refused() -> None:
    """Another container is not this machine."""
    target = load_target(DOCKER / "target.yaml", environ=SERVICES["rehearsal"]["environment"])
    hosts = [target.base_url, *target.origins.values()]
    await guard(hosts, target.allow)
    with pytest.raises(RefusedError):
        await guard(hosts, [])


@pytest.mark.real
@pytest.mark.parametrize("service", ["shop", "payments", "rehearsal"])
def test_every_command_is_one_of_ours(service: str) -> None:
    """Verb and flags exist in this surgectl."""
    command = [str(word) for word in SERVICES[service]["command"]]
    verb = command[:2] if command[0] == "stage" else command[:1]
    told = surgectl(*verb, "--help")
    assert told.returncode == 0
    for word in command:
        if word.startswith("--"):
            assert word.split("=")[0] in told.stdout, word


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
