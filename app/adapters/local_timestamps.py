"""A local service of time stamps (RFC 3161), for tests, demonstration and development on this machine only.

It signs whatever it is asked to, by the machine's clock, with a key whose certificate says that it is made up; nobody
outside trusts it, and production refuses it. It answers in this process, or over HTTP as a real one does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import keys, pem, tsp, x509
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.adapters import signing_keys

_REQUEST, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_LARGEST = 10_000


def service(file: Path) -> DummyTimeStamper:
    """Give the service whose key lies in a file that `signing_keys.make_up` made."""
    content = file.read_bytes()
    own, root = signing_keys.from_pem(content)
    store = SimpleCertificateStore()
    store.register_multiple([root])
    return DummyTimeStamper(own, _private(content), certs_to_embed=store)


def certificates(file: Path) -> tuple[x509.Certificate, ...]:
    """Give the service's certificate and its root."""
    return signing_keys.from_pem(file.read_bytes())


def _private(content: bytes) -> keys.PrivateKeyInfo:
    (der,) = (der for name, _, der in pem.unarmor(content, multiple=True) if name == "PRIVATE KEY")
    return keys.PrivateKeyInfo.load(der)


@contextmanager
def over_http(stamping: DummyTimeStamper) -> Iterator[str]:
    """Answer over HTTP on this machine meanwhile; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.headers.get("Content-Type") != _REQUEST or length > _LARGEST:
                self.send_error(415)
                return
            reply = stamping.request_tsa_response(tsp.TimeStampReq.load(self.rfile.read(length))).dump()
            self.send_response(200)
            self.send_header("Content-Type", _REPLY)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: a test's own output is not ours."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
