"""JSON as Go reads and writes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.proxy import gojson
from surgectl.proxy.gojson import GoJsonError, Json, Number, Object


def plain(value: Json) -> object:
    if isinstance(value, Number):
        return json.loads(value.text)
    if isinstance(value, Object):
        return {key: plain(member) for key, member in value.pairs}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON, ascii_only=st.booleans())
def test_it_reads_what_everybody_reads(value: object, ascii_only: bool) -> None:
    """Any JSON means the same as to Python's own reader."""
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert plain(gojson.parse(text)) == json.loads(text)


@given(body=st.binary(max_size=40) | st.text(alphabet='{}[]:,"\\utrefalsn0123456789.-+e \n', max_size=30))
def test_it_never_falls_over(body: bytes | str) -> None:
    """Whatever comes in is either a value or a sentence."""
    try:
        gojson.parse(body if isinstance(body, bytes) else body.encode())
    except GoJsonError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "EOF"),
        (" \n", "EOF"),
        ("[1", "unexpected EOF"),
        ('{"a":"x', "unexpected EOF"),
        ("tr", "unexpected EOF"),
        ("nope", "invalid character 'o' in literal null (expecting 'u')"),
        ("}", "invalid character '}' looking for beginning of value"),
        ("{'a':1}", r"invalid character '\'' looking for beginning of object key string"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        ('{"a":01}', "invalid character '1' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[-]", "invalid character ']' in numeric literal"),
        ("[1.]", "invalid character ']' after decimal point in numeric literal"),
        ("[1e]", "invalid character ']' in exponent of numeric literal"),
        (r'"\x"', "invalid character 'x' in string escape code"),
        (r'"\u12g4"', r"invalid character 'g' in \u hexadecimal character escape"),
        ('"\n"', r"invalid character '\n' in string literal"),
        ("é", "invalid character 'Ã' looking for beginning of value"),
    ],
)
def test_mistakes_in_gos_words(text: str, message: str) -> None:
    """Each mistake has the sentence that the original server answered."""
    with pytest.raises(GoJsonError) as caught:
        gojson.parse(text.encode())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (1.0, "1"),
        (0.0, "0"),
        (0.1, "0.1"),
        (1 / 3, "0.33333334"),
        (100.0, "100"),
        (16777217.0, "16777216"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (1e20, "100000000000000000000"),
        (1e22, "1e+22"),
        (-0.5, "-0.5"),
    ],
)
def test_small_floats(number: float, shown: str) -> None:
    """A 32-bit float is written as Go writes it."""
    assert gojson.show_float32(gojson.float32(Number(repr(number)), "x")) == shown
