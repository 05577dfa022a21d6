"""A guarded Redis: TLS with certificates made on the spot, and an ACL that lets one user do what the operator needs.

Its plain port is for whoever gives it orders (`command`); the operator comes by the TLS port. Certificates and password
can be replaced while it runs, as cert-manager or a person does it. Needs ``openssl`` on PATH.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final, Self

from deploy.local.errors import MissingPrerequisite
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.redis_server import NOTHING_ON_DISK, RedisServer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ADMIN: Final = "admin"
ADMIN_PASSWORD: Final = "admin-password"

_OPENSSL_SECONDS = 60.0


class Certificates:
    """An authority of its own, and what it has signed: files in one folder, each replaced in one step.

    Attributes:
        authority: The certificate that clients and server trust.
        certificate: Of the server, or of a client.
        key: Of that certificate.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.authority, self.certificate, self.key = (folder / name for name in ("ca.crt", "tls.crt", "tls.key"))
        self._serial = 0
        self.renew()

    def renew(self) -> None:
        """A new authority and a new certificate signed by it: who trusts the old one alone trusts no more."""
        self._serial += 1
        new = self._folder / f"serial-{self._serial}"
        new.mkdir()
        name = f"/CN=authority {self._serial}"
        signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # from Python 3.13 on, no authority without it
        _openssl(new, *_new_key("ca.key"), "-x509", "-days", "2", "-subj", name, *signs, "-out", "ca.crt")
        _openssl(new, *_new_key("tls.key"), "-subj", "/CN=dcron", "-out", "tls.csr")
        (new / "names").write_text(
            f"subjectAltName=IP:{LOOPBACK},DNS:localhost\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        )
        signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        _openssl(new, "x509", "-req", "-in", "tls.csr", *signed, "-out", "tls.crt")
        for file in (self.authority, self.certificate, self.key):
            os.replace(new / file.name, file)


class GuardedRedis:
    """A running Redis with TLS and an ACL; a context manager that stops it at the end.

    Attributes:
        certificates: The server's; clients show the same ones.
        trusted: The authority that clients trust, in a file of its own: it may lag behind.
        user: Whom the ACL lets in.
        password: The user's, as it is now.
        password_file: Where clients read it; it may lag behind too.
    """

    def __init__(self, folder: Path, acl: str, *, password: str) -> None:
        folder = folder.resolve()
        self._folder = folder
        self.certificates = Certificates(folder / "certificates")
        self.user = acl.split()[1]
        self.password = password
        self.password_file, self.trusted = folder / "password", folder / "trusted.crt"
        self.tell_password()
        self.tell_authority()
        self._tls_port = free_port()
        users = folder / "users.acl"
        users.write_text(
            f"user default off\nuser {ADMIN} on >{ADMIN_PASSWORD} ~* &* +@all\n{acl.replace('PASSWORD', password)}\n"
        )
        self._server = RedisServer.start(
            folder,
            options={
                **NOTHING_ON_DISK,
                "aclfile": str(users),
                "tls-port": str(self._tls_port),
                "tls-cert-file": str(self.certificates.certificate),
                "tls-key-file": str(self.certificates.key),
                "tls-ca-cert-file": str(self.certificates.authority),
            },
        )

    @classmethod
    def start(cls, folder: Path, acl: str, *, password: str = "first/p@ss") -> Self:
        """Start it and wait until it answers.

        Args:
            folder: For its log, its certificates and its users.
            acl: The line for the user, with PASSWORD where the password goes.
            password: What goes there.

        Raises:
            MissingPrerequisite: There is no openssl, or no Redis server.
            StartFailed: It ended or does not answer; also one that was built without TLS.
        """
        return cls(folder, acl, password=password)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it at once."""
        self._server.stop()

    def resume(self) -> None:
        """Start it again after `stop`, empty."""
        self._server.resume()

    def mend(self) -> None:
        """Start it again if it does not run, and tell clients what they need to come in."""
        self._server.mend()
        self.tell_password()
        self.tell_authority()

    @property
    def url(self) -> str:
        """What clients connect to: with the user, without the password, and with the files that they read."""
        made = self.certificates
        files = {"ssl_ca_certs": self.trusted, "ssl_certfile": made.certificate, "ssl_keyfile": made.key}
        named = "&".join(f"{parameter}={file}" for parameter, file in files.items())
        return f"rediss://{self.user}@{LOOPBACK}:{self._tls_port}/0?{named}"

    @property
    def variables(self) -> Mapping[str, str]:
        """What a replica must be told beside the URL."""
        return {"DCRON_REDIS_PASSWORD_FILE": str(self.password_file)}

    def command(self, *words: str | int) -> Any:
        """Send a command as the administrator and return the answer as it is."""
        return self._server.command(*words, user=ADMIN, password=ADMIN_PASSWORD)

    def change_password(self, password: str) -> None:
        """Give the user another one, and close its connections: those that are open would go on for ever."""
        self.password = password
        self.command("ACL", "SETUSER", self.user, "resetpass", f">{password}")
        self.close_connections()

    def tell_password(self) -> None:
        """Write the password where clients read it."""
        self.password_file.write_text(f"{self.password}\n")

    def renew_certificates(self) -> None:
        """Serve with a certificate of a new authority from now on, and close the connections."""
        self.certificates.renew()
        # Setting it makes the server read all three files again, even under the same names.
        self.command("CONFIG", "SET", "tls-cert-file", str(self.certificates.certificate))
        self.close_connections()

    def tell_authority(self) -> None:
        """Let clients trust the authority of now."""
        shutil.copy(self.certificates.authority, self.trusted)

    def close_connections(self) -> None:
        """End what the user has open."""
        self.command("CLIENT", "KILL", "USER", self.user)


def _new_key(file: str) -> Sequence[str]:
    return ["req", "-newkey", "rsa:2048", "-nodes", "-keyout", file]


def _openssl(folder: Path, *arguments: str) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        raise MissingPrerequisite("openssl, to make certificates for a Redis with TLS")
    subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True, timeout=_OPENSSL_SECONDS)
