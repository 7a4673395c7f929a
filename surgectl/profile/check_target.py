"""Does the target file hang together: steps that exist, one way to ask, books that can be read?"""

from __future__ import annotations

from surgectl.profile.node import Issue, Node
from surgectl.profile.target import Target


def check(target: Target, tree: Node) -> list[Issue]:
    """Everything that is wrong with a target by itself."""
    return []
