"""What stands between braces, and what it turns into."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.journey.paths import MISSING, compile_path
from surgectl.journey.problem import TargetError
from surgectl.journey.template import UnsetError, compile_json, compile_text, compile_value

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


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text('ab"\\é ', max_size=4)
    | st.sampled_from(["{who}", "{{who}}", "a {who} b", "{deep.x}", "{n}"])
)


@given(
    st.recursive(
        _LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", 'q"', "{who}", "{{b}}"]), inner)
        ),
        max_leaves=8,
    )
)
def test_json_is_the_same_document_whether_filled_or_encoded_first(value: Any) -> None:
    """A document that is sent says what its template says, however much of it was encoded at load."""
    variables = {"who": 'a "fan"', "n": 3, "deep": {"x": [1, None]}}
    expected = compile_value(value, "x").render(variables)
    document = compile_json(value, "x")
    assert msgspec.json.decode(document.render(variables)) == msgspec.json.decode(msgspec.json.encode(expected))
    assert document.names == compile_value(value, "x").names
