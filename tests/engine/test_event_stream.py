"""Event streams are read as the standard says, however they are cut, and whatever a hostile shop puts into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgectl.engine.drivers.pushes.event_stream import EventStream, Message, TooLong


def read(*pieces: bytes) -> tuple[list[tuple[str, str]], EventStream]:
    stream = EventStream(10_000)
    found = [message for piece in pieces for message in stream.feed(piece)]
    return [(message.event, message.data.decode()) for message in found], stream


def test_the_standards_own_examples() -> None:
    """The examples of WHATWG HTML §9.2.6 are understood as it says."""
    assert read(b"data: YHOO\ndata: +2\ndata: 10\n\n")[0] == [("message", "YHOO\n+2\n10")]
    stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    found, reader = read(stream)
    assert found == [("message", "first event"), ("message", "second event"), ("message", " third event")]
    assert reader.last_id == ""
    assert read(b"data\n\ndata\ndata\n\ndata:\n")[0] == [("message", ""), ("message", "\n")]
    assert read(b"data:test\n\ndata: test\n\n")[0] == [("message", "test")] * 2


def test_names_ids_and_pauses() -> None:
    """An event's name is its own alone; an id stays; a retry is a number or nothing; an id with NUL is no id."""
    found, reader = read(
        b"\xef\xbb\xbfevent: turn\ndata: 1\nid: 7\nretry: 250\n\n", b"data: 2\nretry: 1s\nid: a\0b\n\nid: 9\ndata: lost"
    )
    assert found == [("turn", "1"), ("message", "2")]
    assert (reader.last_id, reader.retry_ms) == ("7", 250)


def test_an_event_without_data_is_none_but_its_id_counts() -> None:
    """What has no data is not dispatched, and does not name the next one."""
    found, reader = read(b"event: turn\nid: 3\n\ndata: x\n\n")
    assert found == [("message", "x")] and reader.last_id == "3"


@given(
    st.lists(st.sampled_from([b"data: a", b"data:b", b"event: e", b"id: 1", b": c", b"", b"x", b"\xff\xfe"])), st.data()
)
def test_however_it_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    """The events are the same in one piece, in single bytes, and with each kind of line end."""
    ends = [data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])) for _ in lines]
    whole = b"".join(line + end for line, end in zip(lines, ends, strict=True))
    at = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    cut = [whole[a:b] for a, b in zip([0, *at], [*at, len(whole)], strict=True)]
    single = [whole[i : i + 1] for i in range(len(whole))]
    # A lone CR before an LF of the next line is one line end: the reference is the same text with LF alone.
    plain = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert read(whole)[0] == read(*cut)[0] == read(*single)[0] == read(plain)[0]


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_nothing_breaks_it(pieces: list[bytes]) -> None:
    """Any bytes give events whose data is UTF-8, or nothing."""
    stream = EventStream(1_000_000)
    for piece in pieces:
        for message in stream.feed(piece):
            assert isinstance(message, Message) and message.data.decode() is not None


def test_without_end() -> None:
    """A line or an event without end is refused before it fills the memory."""
    stream = EventStream(1000)
    with pytest.raises(TooLong):
        for _ in range(100):
            stream.feed(b"x" * 100)
    stream = EventStream(1000)
    with pytest.raises(TooLong):
        for _ in range(100):
            stream.feed(b"data: " + b"x" * 90 + b"\n")
    stream = EventStream(100_000)
    with pytest.raises(TooLong):
        for _ in range(10_000):
            stream.feed(b"data\n" * 10)
    assert read(b"id: 1\n\nid: " + b"9" * 5000 + b"\n\n")[1].last_id == "1", "no header is that long"
