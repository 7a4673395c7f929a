"""Which parts a stage has, where they stand, and what is never shown of them."""

from __future__ import annotations

import pytest

from surgectl.errors import UsageError
from surgectl.stage.boxoffice.options import Options as ShopOptions
from surgectl.stage.flags import environment, words
from surgectl.stage.part import without_passwords
from surgectl.stage.places import Places, through
from surgectl.stage.settings import Settings, settings_of

PLACES = Places(shop=1, payments=2, control=3, identity=4, stage="/run/door")
URL = "postgresql://shop:s3cret@db.example:5433/sale?sslmode=disable"


def test_the_parts_of_a_stage_are_said_in_one_section() -> None:
    """Database and cache by URL, the identity check by a word, workers by a number, and each part's own flags."""
    said = {"database": URL, "cache": "redis://c/0", "identity": True, "workers": 2, "identity_latency": "5ms"}
    settings = settings_of(said, str)
    assert (settings.database, settings.cache, settings.with_identity, settings.workers) == (
        URL,
        "redis://c/0",
        True,
        2,
    )
    assert settings.identity == {"latency": "5ms"}
    assert settings_of({"database": "", "identity": None}, str) == settings_of({}, str)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"workers": 65}, "65 workers"),
        ({"workers": "two"}, "stage.workers"),
        ({"identity": "perhaps"}, "stage.identity"),
        ({"database_schema": "x"}, "database"),
        ({"worker": "w"}, "workers"),
        ({"use": "theatre"}, "boxoffice"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, object], words: str) -> None:
    """A word that is not there, a number that is too much, a flag that the troupe sets itself."""
    with pytest.raises(UsageError, match=words):
        settings_of(said, str)


def test_a_target_is_told_where_dependencies_are() -> None:
    """Host and port only: no user and no password; what is not there is empty."""
    variables = PLACES.variables(Settings(database=URL, cache="redis://:pw@c"))
    assert (variables["DB_ADDR"], variables["CACHE_ADDR"], variables["IDENTITY_ADDR"]) == (
        "db.example:5433",
        "c:6379",
        "",
    )
    assert variables["STAGE"] == "/run/door"
    assert PLACES.variables(Settings(with_identity=True))["IDENTITY_ADDR"] == "127.0.0.1:4"


@pytest.mark.parametrize(
    "url", ["mysql://a/b", "postgresql:///db", "postgresql://a,b/db", "postgresql://h/db?host=/run", "redis://h:x/0"]
)
def test_a_url_that_no_link_can_stand_before_is_refused(url: str) -> None:
    """Another kind of server, a socket, several hosts, no port: one line that names the setting."""
    with pytest.raises(UsageError, match=r"stage\.database"):
        PLACES.variables(Settings(database=url))


def test_the_way_through_a_link_keeps_the_rest() -> None:
    """User, password, database and query stay; host and port become the link's."""
    assert through(URL, "127.0.0.1:9105") == "postgresql://shop:s3cret@127.0.0.1:9105/sale?sslmode=disable"


def test_a_password_is_in_the_environment_and_in_no_message() -> None:
    """What has a variable is no word of the command line; what is not said is not inherited."""
    said = {"database": URL, "capacity": 5}
    assert words(ShopOptions, said) == ["--capacity", "5"]
    assert environment(ShopOptions, said) == {"SURGECTL_SHOP_DATABASE": URL, "SURGECTL_SHOP_CACHE": ""}
    assert without_passwords(f"cannot reach {URL}: refused") == (
        "cannot reach postgresql://shop:***@db.example:5433/sale?sslmode=disable: refused"
    )
