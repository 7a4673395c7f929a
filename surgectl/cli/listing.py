"""Lists the profiles that can be rehearsed, each with its story in one line."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from surgectl.errors import UsageError
from surgectl.profile import lookup
from surgectl.profile.load import load_rehearsal
from surgectl.profile.readiness import is_readiness, open_readiness


def list_profiles() -> None:
    """What `surgectl run` prints without a name."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in lookup.names_in(lookup.rehearsal_folders()):
        try:
            about = _about(name)
        except UsageError as error:
            about = f"cannot be read: {error.what}"
        table.add_row(Text(name, style="bold"), Text(about))
    console = Console()
    console.print(table)
    console.print("\nsurgectl run NAME rehearses one; surgectl plan NAME only draws it.", highlight=False)


def _about(name: str) -> str:
    """The story; of a list, the rehearsals too."""
    if not is_readiness(name):
        return load_rehearsal(name).about
    readiness = open_readiness(name).readiness
    return f"{readiness.about} (a list: {', '.join(part.profile for part in readiness.rehearsals)})"
