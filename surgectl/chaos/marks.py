"""Whose fault is it: every toxic that we add carries our run's name, so that only ours are ever removed.

A closed door leaves no trace of who closed it. So `down` and `flap` first add a noop toxic named for the run: whoever
heals later, even after a kill -9, knows which doors to open again.
"""

from __future__ import annotations

from surgectl.chaos.toxiproxy import ProxyState, Toxiproxy

PREFIX = "surgectl-"


def toxic_name(run: str, fault: str, what: str) -> str:
    """`surgectl-RUN-FAULT-WHAT`."""
    return f"{PREFIX}{run}-{fault}-{what}"


def door_mark(run: str, fault: str) -> str:
    """The noop toxic that says: this run may close this door."""
    return toxic_name(run, fault, "door")


def claim(run: str) -> str:
    """The noop toxic that says: this run is rehearsing on this link."""
    return f"{PREFIX}{run}-claim"


def marks(proxy: ProxyState, run: str | None = None) -> list[str]:
    """Names of surgectl's toxics on a proxy; of one run, or of any."""
    prefix = f"{PREFIX}{run}-" if run else PREFIX
    return [toxic.name for toxic in proxy.toxics if toxic.name.startswith(prefix)]


async def sweep(server: Toxiproxy, run: str | None = None) -> list[str]:
    """Remove surgectl's toxics (of one run, or of any) and open the doors they mark; says what it did.

    The door opens before its mark goes: if we die in between, the mark still tells the next sweep.
    """
    done: list[str] = []
    for proxy in (await server.proxies()).values():
        ours = marks(proxy, run)
        if any(name.endswith("-door") for name in ours) and not proxy.enabled:
            await server.enable(proxy.name, True)
            done.append(f"{proxy.name}: enabled again")
        for name in ours:
            await server.remove_toxic(proxy.name, name)
            done.append(f"{proxy.name}: removed {name}")
    return done
