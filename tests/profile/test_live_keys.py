"""Nobody rehearses with real cards by mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from surgectl.errors import RefusedError
from surgectl.profile.load import open_target

TARGET = """\
surgectl-target: 1
name: shop
base_url: http://127.0.0.1:1
journey: [{step: pay, role: pay, post: /pay, headers: {Authorization: "Bearer ${FRONT}"}}]
evidence:
  charges: {stripe: {secret: "${BOOKS}"}}
"""
TEST = {"FRONT": "pk_test_a1", "BOOKS": "sk_test_a1"}


def target(folder: Path, text: str = TARGET) -> Path:
    file = folder / "shop.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("live", "where"),
    [
        ({"BOOKS": "sk_live_abc123"}, "shop.yaml:6: evidence.charges.stripe.secret"),
        ({"BOOKS": "rk_live_abc123"}, "shop.yaml:6: evidence.charges.stripe.secret"),
        ({"FRONT": "pk_live_abc123"}, "shop.yaml:4: journey[0].headers.Authorization"),
    ],
)
def test_a_live_key_is_refused_wherever_it_stands(tmp_path: Path, live: dict[str, str], where: str) -> None:
    """From the environment, from --set or written down: exit 13, with file and line, and the key is not shown."""
    for variables, environ in ((live, TEST), ({}, TEST | live)):
        with pytest.raises(RefusedError) as refused:
            open_target(target(tmp_path), variables, environ=environ)
        assert refused.value.exit_code == 13 and where in str(refused.value)
        assert "abc123" not in str(refused.value)


def test_test_keys_and_those_who_say_so(tmp_path: Path) -> None:
    """Test keys pass, and so does a live one where the target says that it is meant; a word that is none does, too."""
    open_target(target(tmp_path), environ=TEST)
    open_target(target(tmp_path, TARGET + "live_keys: true\n"), environ=TEST | {"BOOKS": "sk_live_abc123"})
    open_target(target(tmp_path), environ=TEST | {"FRONT": "desk_live_abc"})
