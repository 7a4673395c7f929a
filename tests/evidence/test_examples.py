"""What the page says may be written can be written; and `check` says of each book how it would be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from surgectl.cli.main import app
from surgectl.errors import UsageError
from surgectl.evidence.check import check_evidence
from surgectl.evidence.describe import described
from surgectl.journey.problem import TargetError
from surgectl.profile.load import open_target

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/target-language.md").read_text("utf-8").partition("## The books\n")[2]
EXAMPLES = re.findall(r"```yaml\n(evidence:.*?)```", PAGE, re.DOTALL)
HEAD = """surgectl-target: 1
name: shop
base_url: "http://127.0.0.1:8000"
mint: {email: "fan-{run}-{intent}@example.org"}
journey:
  - {step: pay, role: pay, post: /pay, outcomes: [{when: {status: 200}, end: confirmed}]}
"""
SET = {
    "SHOP_DSN": "postgresql://reader:hunter2@127.0.0.1/shop",
    "PSP_URL": "http://127.0.0.1:9",
    "PSP_KEY": "sk_test_hidden",
    "STRIPE_KEY": "sk_test_hidden",
    "ADMIN_PASSWORD": "hunter2",
}


def said(evidence: str, folder: Path, **more: str) -> dict[str, str]:
    """What each book would do. UsageError where it cannot be meant."""
    file = folder / "shop.yaml"
    file.write_text(HEAD + evidence, encoding="utf-8")
    opened = open_target(file, {**SET, **more}, environ={})
    check_evidence(opened.target, folder)
    return dict(described(opened.target))


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_page_can_be_meant(number: int, tmp_path: Path) -> None:
    """Every evidence section in docs/target-language.md loads, compiles and can be told in words, without a secret."""
    words = said(EXAMPLES[number], tmp_path)
    assert words
    assert "nowhere" not in words.values()
    assert not re.search("hunter2|sk_test|127.0.0.1", " ".join(words.values()))


def test_the_page_has_an_example_of_each_way() -> None:
    """Each way of reading, and each way of paging, stands on the page."""
    for word in ("http:", "graphql:", "sql:", "csv:", "jsonl:", "stripe:", "same:", "login:", "export:", "counters:"):
        assert any(word in example for example in EXAMPLES), word
    assert all(f"`{way}: " in PAGE for way in ("next", "offset", "skip", "page", "cursor"))


WORDS = {
    "orders": (
        'http: {get: "/o?x=1", next: {header: Link}, count: {header: X-Total}, login: [{post: /in, form: {a: b}}]}',
        "GET /o, after a login (POST /in), page by page along the header Link, and the header X-Total says how many; "
        "linked by email",
    ),
    "page": (
        "http: {get: /o, page: {per_page: 20, pages: meta.pages}}",
        "GET /o, 20 at a time by page number up to page meta.pages; linked by email",
    ),
    "cursor": (
        "http: {post: /g, graphql: {query: '{ o }'}, cursor: {after: end, more: more}}",
        "GraphQL /g, page by page after end while more; linked by email",
    ),
    "sql": (
        'sql: {dsn: "${SHOP_DSN}", query: select a from b, params: {since: 1}}',
        "postgresql in a read-only snapshot with :since: select a from b; linked by email",
    ),
    "file": ("csv: {file: o.csv, encoding: cp1252}", "CSV (cp1252) in the file o.csv; linked by email"),
    "export": (
        "jsonl: {export: [{post: /x}, {get: /y, within: 5m}]}",
        "JSON lines exported by POST /x, GET /y, ready within 5m a step; linked by email",
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_check_says_how_a_book_would_be_read(name: str, tmp_path: Path) -> None:
    """In one sentence: what is asked, in which pages, and what links its rows."""
    source, words = WORDS[name]
    assert said(f"evidence:\n  orders:\n    {source}\n    key: [email]\n", tmp_path) == {"orders": words}


def test_check_says_what_a_counter_is_compared_with(tmp_path: Path) -> None:
    """A counter stands below its kind, with what is counted for it."""
    evidence = """evidence:
  orders:
    jsonl: {file: o.jsonl}
    counters: {sold: {same: stock, value: sold, states: [valid], sum: qty}}
  stock: {jsonl: {file: s.jsonl}, live: 2s}
"""
    assert said(evidence, tmp_path) == {
        "orders": "JSON lines in the file o.jsonl",
        "orders.sold": "sold of the rows of stock; compared with the sum of qty in the valid orders",
        "stock": "JSON lines in the file s.jsonl; looked at every 2s during the run",
    }


WRONG = {
    "a path": ('http: {get: /o, rows: "a[["}', "evidence.orders.http.rows", "is not a JMESPath"),
    "two ways of paging": ("http: {get: /o, next: n, skip: {take: 5}}", "evidence.orders.http", "pages in 2 ways"),
    "a column's money": (
        "jsonl: {file: o}\n    row: {amount: {from: a, money: cents}}",
        "evidence.orders.row.amount",
        '"cents" is not a form of money',
    ),
    "a token's place": (
        "http: {get: /o, login: [{post: /in, take: {t: {jsom: x}}}]}",
        "evidence.orders.http.login[0].take.t.jsom",
        'unknown key (did you mean "json"?)',
    ),
    "a regex": (
        "http: {get: /o, login: [{post: /in, take: {t: {regex: '('}}}]}",
        "evidence.orders.http.login[0].take.t.regex",
        "is not a regular expression",
    ),
    "an encoding": ("csv: {file: o, encoding: klingon}", "evidence.orders.csv.encoding", '"klingon" is no encoding'),
    "waiting by starting": (
        "csv: {export: [{post: /x, ready: {status: 200}}]}",
        "evidence.orders.csv.export[0].ready",
        "to ask again would start it again",
    ),
    "a way through nothing": (
        "jsonl: {file: o}\n    key: [a -> b.c]",
        "evidence.orders.key[0]",
        'cannot follow "-> b.c"',
    ),
    "a counter's sum": (
        "jsonl: {file: o}\n    counters: {n: {jsonl: {file: s}, value: n, sum: qyt}}",
        "evidence.orders.counters.n.sum",
        'did you mean "qty"',
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_found_before_anything_is_asked(name: str, tmp_path: Path) -> None:
    """A mistake in the evidence has its path in the file, so that `check` and `run` name its line."""
    source, path, what = WRONG[name]
    with pytest.raises(UsageError) as caught:
        said(f"evidence:\n  orders:\n    {source}\n", tmp_path)
    at = caught.value.path if isinstance(caught.value, TargetError) else str(caught.value)
    assert path in at
    assert what in str(caught.value)


def test_check_prints_it_or_the_line_of_what_is_wrong(tmp_path: Path) -> None:
    """`surgectl check` prints a sentence for each book; what cannot be meant is said with file, line and path."""
    file = tmp_path / "shop.yaml"

    def check(http: str) -> Result:
        file.write_text(HEAD + f"evidence:\n  orders:\n    http: {{get: /o, {http}}}\n    key: [email]\n")
        return CliRunner().invoke(app, ["check", str(file)], env={"COLUMNS": "100"})

    told = check("skip: {take: 50}")
    assert told.exit_code == 0
    assert "orders: GET /o, 50 at a time by skip until an empty page; linked by email" in " ".join(told.output.split())
    wrong = check('rows: "a[["').exception
    assert isinstance(wrong, UsageError)
    assert f'{file}:9: evidence.orders.http.rows: "a[[" is not a JMESPath' in str(wrong)


def test_secrets_written_into_the_file_stay_out_of_the_recording(tmp_path: Path) -> None:
    """A key, a dsn or a password that somebody wrote down all the same is redacted like one from the environment."""
    file = tmp_path / "shop.yaml"
    file.write_text(
        HEAD
        + """evidence:
  orders:
    sql: {dsn: "mysql://u:letmein@db/shop", query: select 1}
    counters:
      n:
        http:
          get: /n
          headers: {X-Api-Key: k-123456}
          login: [{post: /in, form: {user: audit, password: open-sesame}}]
        value: n
  charges: {stripe: {secret: rk_test_written_down}}
"""
    )
    secrets = open_target(file, {}, environ={}).secrets
    text = "audit asked mysql://u:letmein@db/shop with k-123456, open-sesame and rk_test_written_down"
    assert secrets.redact(text) == "audit asked *** with ***, *** and ***"
