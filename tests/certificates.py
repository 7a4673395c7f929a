"""An authority of the tests' own, and the certificates that it signs."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

HAVE_OPENSSL = shutil.which("openssl") is not None
NO_OPENSSL = "no openssl to make certificates with"
"""Why a test is skipped."""


class Authority:
    """`Authority(folder)`: `ca` is the file that says so, `certificate(name)` a file with certificate and key."""

    def __init__(self, folder: Path, name: str = "the tests") -> None:
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._key = folder / "ca.key"
        _openssl("-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca)

    def certificate(self, name: str) -> Path:
        """For this host alone."""
        pem, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        if not pem.exists():
            signer = ("-CA", self.ca, "-CAkey", self._key)
            extension = ("-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=critical,CA:FALSE")
            _openssl("-subj", "/CN=x", *signer, *extension, "-keyout", key, "-out", pem)
            pem.write_bytes(pem.read_bytes() + key.read_bytes())
        return pem

    def serving(self, name: str) -> ssl.SSLContext:
        """How a server shows itself as this host."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate(name))
        return context


def _openssl(*more: str | Path) -> None:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    subprocess.run(["openssl", "req", "-x509", *curve, "-days", "2", *more], check=True, capture_output=True)
