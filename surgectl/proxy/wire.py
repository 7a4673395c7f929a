"""What the API's callers write and what they read: proxies and toxics as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from surgectl.proxy import gojson
from surgectl.proxy.gojson import Assign, GoJsonError, Json
from surgectl.proxy.listener import Proxy
from surgectl.proxy.pipe import Placed, Toxic

_PROXY = "toxiproxy.Proxy"
_POPULATE = 'struct { toxiproxy.Proxy; Enabled *bool "json:\\"enabled\\"" }'
_UPDATE = 'struct { Attributes interface {} "json:\\"attributes\\""; Toxicity float32 "json:\\"toxicity\\"" }'


class ProxyBody(msgspec.Struct):
    """A proxy as written by a caller; None where nothing was said."""

    name: str | None = None
    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None


class ToxicBody(msgspec.Struct):
    """A new toxic as written by a caller. `tree` is the whole body: its attributes are read once the type is known."""

    tree: Json
    name: str = ""
    type: str = ""
    stream: str = "downstream"
    toxicity: float = 1.0


def read_proxy(body: bytes) -> ProxyBody:
    """GoJsonError with Toxiproxy's words for what is wrong."""
    found = ProxyBody()
    gojson.assign(gojson.parse(body), _PROXY, _proxy_fields(found, "Proxy.", "Proxy."))
    return found


def read_populate(body: bytes) -> list[ProxyBody]:
    tree = gojson.parse(body)
    if tree is None:
        return []
    if not isinstance(tree, list):
        raise gojson.mismatch(tree, f"value of type []{_POPULATE}")
    found: list[ProxyBody] = []
    for item in tree:
        one = ProxyBody()
        gojson.assign(item, _POPULATE, _proxy_fields(one, ".Proxy.", "."))
        found.append(one)
    return found


def _proxy_fields(into: ProxyBody, path: str, enabled_path: str) -> dict[str, Assign]:
    def logger(value: Json) -> None:
        # An accident of Toxiproxy's (an exported field), but its own replies carry it, so it must come back in.
        gojson.assign(value, "zerolog.Logger", {}, f"{path}Logger")

    def text(field: str) -> Assign:
        return lambda value: setattr(into, field, gojson.string(value, path + field))

    def enabled(value: Json) -> None:
        into.enabled = gojson.boolean(value, f"{enabled_path}enabled")

    return {
        "name": text("name"),
        "listen": text("listen"),
        "upstream": text("upstream"),
        "enabled": enabled,
        "Logger": logger,
    }


def read_toxic(body: bytes) -> ToxicBody:
    """Everything but the attributes."""
    found = ToxicBody(gojson.parse(body))

    def text(field: str) -> Assign:
        return lambda value: setattr(found, field, gojson.string(value, f"ToxicWrapper.{field}"))

    def toxicity(value: Json) -> None:
        found.toxicity = gojson.float32(value, "ToxicWrapper.toxicity")

    def attributes(value: Json) -> None:
        gojson.assign(value, "toxics.NoopToxic", {}, "ToxicWrapper.attributes")

    fields = {"name": text("name"), "type": text("type"), "stream": text("stream"), "toxicity": toxicity}
    gojson.assign(found.tree, "toxics.ToxicWrapper", fields | {"attributes": attributes})
    return found


class Attributes:
    """A toxic's attributes while they are being read, field by field over what they were."""

    def __init__(self, toxic: Toxic) -> None:
        self.toxic = toxic
        self.toxicity: float | None = None

    def read(self, tree: Json) -> None:
        """Take `attributes` from a body that creates a toxic."""
        gojson.assign(tree, _UPDATE, {"attributes": self._attributes})

    def read_update(self, body: bytes) -> None:
        """Take `attributes` and `toxicity` from a body that updates one.

        On GoJsonError `toxic` holds what could be read, which Toxiproxy then keeps in spite of the error.
        """
        gojson.assign(gojson.parse(body), _UPDATE, {"attributes": self._attributes, "toxicity": self._toxicity})

    def _toxicity(self, value: Json) -> None:
        self.toxicity = gojson.float32(value, ".toxicity")

    def _attributes(self, value: Json) -> None:
        names = self.toxic.__struct_fields__
        fields = {name: self._integer(name) for name in names}
        gojson.assign(value, self.toxic.go_type, fields, ".attributes")

    def _integer(self, name: str) -> Assign:
        def read(value: Json) -> None:
            number = gojson.integer(value, f".attributes.{name}", self.toxic.go_integer)
            self.toxic = msgspec.structs.replace(self.toxic, **{name: number})

        return read


def refuse_unsound(toxic: Toxic, strict: bool) -> None:
    """GoJsonError for attributes that would kill Toxiproxy, or (unless strict) that nobody can mean."""
    why = toxic.crashes()
    if why:
        raise GoJsonError(f"{why} (the original Toxiproxy dies of this)")
    why = None if strict else toxic.senseless()
    if why:
        raise GoJsonError(why)


def show_toxic(placed: Placed) -> str:
    """A toxic as JSON, with every attribute of its type."""
    values = msgspec.structs.asdict(placed.toxic)
    attributes = ",".join(f'"{name}":{value}' for name, value in values.items())
    return (
        f'{{"attributes":{{{attributes}}},"name":{gojson.show_string(placed.name)},'
        f'"type":{gojson.show_string(placed.type)},"stream":{gojson.show_string(placed.stream)},'
        f'"toxicity":{gojson.show_float32(placed.toxicity)}}}'
    )


def show_toxics(all_placed: Sequence[Placed]) -> str:
    return f"[{','.join(map(show_toxic, all_placed))}]"


def show_proxy(proxy: Proxy) -> str:
    """A proxy as JSON, down to Toxiproxy's stray `"Logger":{}`."""
    return (
        f'{{"name":{gojson.show_string(proxy.name)},"listen":{gojson.show_string(proxy.listen)},'
        f'"upstream":{gojson.show_string(proxy.upstream)},"enabled":{"true" if proxy.enabled else "false"},'
        f'"Logger":{{}},"toxics":{show_toxics(proxy.chain.all())}}}'
    )


def show_error(message: str, status: int) -> str:
    return f'{{"error":{gojson.show_string(message)},"status":{status}}}'
