"""What stands between braces, and what it turns into."""

from __future__ import annotations

import pytest

from surgectl.journey.paths import MISSING, compile_path
from surgectl.journey.problem import TargetError
from surgectl.journey.template import UnsetError, compile_text, compile_value

VARIABLES = {
    "qty": 2,
    "hold": "h/1",
    "yes": True,
    "seats": ["A1", "A2"],
    "price": 42.5,
    "setup": {"variants": [{"id": 7}]},
    "sale.price": "89.00",
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("/api/holds/{hold}", "/api/holds/h/1"),
        ("{qty}x{yes}", "2xtrue"),
        ("{seats}", "A1,A2"),
        ("{seats[1]}!", "A2!"),
        ("{setup.variants[0].id}", "7"),
        ("{sale.price} EUR", "89.00 EUR"),
        ("{{qty}} is literal, {qty} is not", "{qty} is literal, 2 is not"),
        ('{"a": {"b": "{hold}"}}', '{"a": {"b": "h/1"}}'),
        ("{ qty } {} {3}", "{ qty } {} {3}"),
    ],
)
def test_text_is_filled(text: str, filled: str) -> None:
    """Blanks are filled as text; braces around anything but a name are themselves."""
    assert compile_text(text, "here").render(VARIABLES) == filled


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ({"qty": "{qty}"}, {"qty": 2}),
        ({"qty": "{qty} tickets"}, {"qty": "2 tickets"}),
        ({"a": ["{seats}", "{yes}", None, 1.5]}, {"a": [["A1", "A2"], True, None, 1.5]}),
        ({"line_{qty}": "{price}"}, {"line_2": 42.5}),
        ("{setup.variants}", [{"id": 7}]),
        ({"nothing": {"to": ["fill"]}}, {"nothing": {"to": ["fill"]}}),
    ],
)
def test_a_json_value_that_is_one_variable_keeps_its_type(value: object, filled: object) -> None:
    """A number stays a number where the blank is the whole value, and becomes text inside a longer text."""
    assert compile_value(value, "here").render(VARIABLES) == filled


@pytest.mark.parametrize("name", ["token", "setup.nothing", "seats[5]", "qty.deeper"])
def test_an_unset_variable_names_itself(name: str) -> None:
    """A blank that nothing fills is an error with its own name, never an empty text."""
    with pytest.raises(UnsetError) as caught:
        compile_text(f"Bearer {{{name}}}", "here").render(VARIABLES)
    assert caught.value.name == name


DOCUMENT = {"data": {"items": [{"id": 5}, {"id": 6}], "none": None, "odd.key": "x", "text": "abc"}, "zero": 0}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("zero", 0),
        ("data.items[0].id", 5),
        ("data.items[-1].id", 6),
        ('data["odd.key"]', "x"),
        ("data.items[2].id", MISSING),
        ("data.none", MISSING),
        ("data.text[0]", MISSING),
        ("data.items.id", MISSING),
        ("nothing.at.all", MISSING),
    ],
)
def test_a_path_looks_one_value_up(path: str, value: object) -> None:
    """Dotted names and indices; null and every kind of wrong turn are an absence, never an exception."""
    found = compile_path(path, "here")(DOCUMENT)
    assert found is value if value is MISSING else found == value


@pytest.mark.parametrize("path", ["", "a..b", "a[x]", "a[", ".a]"])
def test_a_bad_path_is_an_error_of_the_target(path: str) -> None:
    """What cannot be a path is refused at load."""
    with pytest.raises(TargetError):
        compile_path(path, "here")
