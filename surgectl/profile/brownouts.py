"""The brownouts by name: what each one does to a link, in a sentence.

The toxics that make them live in surgectl/chaos; a profile needs only to know that the word exists.
"""

from __future__ import annotations

NAMES: dict[str, str] = {
    "slow": "Every reply of the dependency comes late.",
    "lost-reply": "The request arrives and is carried out, but the reply never comes back.",
    "lost-request": "The request never arrives, so nothing is carried out and no reply comes.",
    "reset": "Connections are cut with a TCP reset while they are in use.",
    "truncate": "A reply begins and is cut off in the middle.",
    "trickle": "Replies come through a few bytes at a time.",
    "down": "The dependency refuses every connection.",
    "flap": "The dependency goes away and comes back every few moments.",
}
