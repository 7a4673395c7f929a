"""The examples in the documentation are true: they load, compile and mean what stands beside them."""

from __future__ import annotations

import hmac
import re
from pathlib import Path
from typing import Any

import pytest

from surgectl.fans.policy import compile_policy
from surgectl.journey.compile import compile_target
from surgectl.profile.load import load_target, open_rehearsal, open_retry_profile
from tests.journey.steps import offer

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def blocks(name: str, begins: str) -> list[str]:
    """The YAML examples of a page that are whole files."""
    text = (DOCS / name).read_text()
    return [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if block.startswith(begins)]


@pytest.mark.parametrize("example", blocks("target-language.md", "surgectl-target:"))
def test_every_example_of_a_target_compiles(example: str, tmp_path: Path) -> None:
    """As it stands, without any setting."""
    file = tmp_path / "example.yaml"
    file.write_text(example)
    assert compile_target(load_target(file, environ={})).steps


INSIDE_A_STEP = ("take:", "poll:")
OF_A_TARGET = ("mint:", "fans_from:", "logins:", "totals:", "evidence:", "setup:", "links:")
LOADED_BELOW = ("surgectl-target:", "await:", "chaos:", "journey:", "  - step: checkout")
FRAGMENTS = [
    pytest.param(key, fragment, id=f"{key}{number}")
    for key in (*INSIDE_A_STEP, *OF_A_TARGET)
    for number, fragment in enumerate(blocks("target-language.md", key))
]


def test_no_example_is_left_out() -> None:
    """Every YAML example of the page begins with a key under which a test here loads it, and every such key occurs."""
    every = re.findall(
        r"^(?:  )?```yaml\n(.*?)```", (DOCS / "target-language.md").read_text(), re.DOTALL | re.MULTILINE
    )
    known = (*INSIDE_A_STEP, *OF_A_TARGET, *LOADED_BELOW)
    assert [example for example in every if not example.startswith(known)] == []
    assert [key for key in known if not any(example.startswith(key) for example in every)] == []


@pytest.mark.parametrize("key,fragment", FRAGMENTS)
def test_every_part_of_a_target_that_is_shown_loads(key: str, fragment: str, tmp_path: Path) -> None:
    """Fragments too, put where they belong."""
    head = 'surgectl-target: 1\nname: example\nbase_url: "http://127.0.0.1:1"\n'
    head += 'origins: {provider: "http://127.0.0.1:2"}\n'
    head += "" if key == "setup:" else 'setup: {run: ["true"]}\n'
    step = "journey:\n  - step: one\n    get: /\n"
    inside = "".join(f"    {line}\n" for line in fragment.splitlines())
    taken = "    take: {hold: {json: id}}\n" if key == "poll:" else ""
    file = tmp_path / "example.yaml"
    file.write_text(head + (step + taken + inside if key in INSIDE_A_STEP else fragment + step))
    environ = dict.fromkeys(
        ("PSP_URL", "STRIPE_KEY", "PSP_KEY", "ADMIN_PASSWORD", "CLIENT_SECRET"), "http://127.0.0.1:1"
    )
    environ["SHOP_DSN"] = "sqlite://"
    assert compile_target(load_target(file, environ=environ)).steps


def test_the_wait_in_a_line_compiles(tmp_path: Path) -> None:
    """The example of `await:` stands in a step in place of a request."""
    (example,) = blocks("target-language.md", "await:")
    step = "".join(f"    {line}\n" for line in example.splitlines())
    file = tmp_path / "example.yaml"
    head = 'surgectl-target: 1\nname: example\nbase_url: "http://127.0.0.1:1"\njourney:\n'
    join = "  - {step: join, post: /queue, take: {place: {json: id}}}\n"
    file.write_text(f"{head}{join}  - step: turn\n{step}")
    assert compile_target(load_target(file, environ={})).steps[1].listen is not None


def test_the_faults_of_a_sale_load(tmp_path: Path) -> None:
    """The example of `chaos:` stands in a profile."""
    (example,) = blocks("target-language.md", "chaos:")
    profile = (ROOT / "profiles/smoke.yaml").read_text()
    before, after = profile.index("chaos:"), profile.index("probe:")
    for name in ("targets", "fans"):
        (tmp_path / name).symlink_to(ROOT / "profiles" / name)
    file = tmp_path / "example.yaml"
    file.write_text(profile[:before] + example + profile[after:])
    faults = open_rehearsal(str(file), environ={"STAGE": "s"}).rehearsal.chaos
    assert [fault.link for fault in faults] == ["payments", "database", None]


def test_the_wizard_compiles(tmp_path: Path) -> None:
    """The example that stands inside a list."""
    text = (DOCS / "target-language.md").read_text()
    (example,) = re.findall(r"  ```yaml\n(  - step: checkout.*?)  ```", text, re.DOTALL)
    file = tmp_path / "example.yaml"
    file.write_text(f'surgectl-target: 1\nname: example\nbase_url: "http://127.0.0.1:1"\njourney:\n{example}')
    assert compile_target(load_target(file, environ={})).steps[0].repeat


def test_the_example_of_a_retry_profile_compiles(tmp_path: Path) -> None:
    """As it stands."""
    (example,) = blocks("retry-profiles.md", "name: backbutton")
    file = tmp_path / "backbutton.yaml"
    file.write_text(example)
    assert compile_policy(open_retry_profile(file)).response("pay", ("timeout", "info"))


def test_the_steps_in_python_are_what_stands_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journey with two calls compiles, and the function beside it signs what would be sent."""
    text = (DOCS / "target-language.md").read_text()
    (example,) = [block for block in blocks("target-language.md", "journey:") if "call:" in block]
    (function,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    made: dict[str, Any] = {"hmac": hmac}
    exec(function, made)
    offer(monkeypatch, sign=made["sign"], proof_of_work=lambda call: {"proof": 1})
    file = tmp_path / "example.yaml"
    file.write_text(f'surgectl-target: 1\nname: example\nbase_url: "http://127.0.0.1:1"\n{example}')
    journey = compile_target(load_target(file, environ={"SHOP_SECRET": "s"}))
    call = journey.steps[2].request
    assert call is not None and call.call is not None
    wire = call.render({"proof": 1}, None, 1)
    signed = call.call.wire(wire, call.call.fill({"proof": 1}, (1,)))
    assert signed.headers[-1] == ("X-Signature", hmac.new(b"s", b'{"proof":1}', "sha256").hexdigest())
