"""A Chromium that buys at a shop, by its pages or by its API, and writes down what passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.chromium import PATIENCE_MS

ASK = """
const ask = async (path, sent, headers = {}, method) => {
  const form = sent instanceof URLSearchParams || sent instanceof FormData;
  const own = sent && !form ? {'content-type': 'application/json', ...headers} : headers;
  const body = sent && !form ? JSON.stringify(sent) : sent;
  const reply = await fetch(path, {method: method || (sent ? 'POST' : 'GET'), headers: own, body});
  const text = await reply.text();
  try { return JSON.parse(text) } catch { return text }
};
const until = async (path, done) => {
  for (;;) {
    const told = await ask(path);
    if (done(told)) return told;
    await new Promise(later => setTimeout(later, 150));
  }
};
"""
"""What a shop's own scripts have: `ask` and `until`."""


@contextmanager
def recorded(browser: Any, file: Path, content: str = "embed") -> Iterator[Any]:
    """A page whose traffic stands in that file when the block is left."""
    context = browser.new_context(record_har_path=file, record_har_content=content, bypass_csp=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def by_script(browser: Any, url: str, script: str, file: Path, content: str = "embed") -> None:
    """A shop whose page does everything by script: the script runs in a page of the shop's own."""
    with recorded(browser, file, content) as page:
        page.goto(url)
        page.evaluate(f"async () => {{ {ASK} {script} }}")
