"""A real SMTP server (aiosmtpd) on loopback, as a clinic's mail server would be: certificate, sign-in, moods."""

import datetime
import email
import ipaddress
import ssl
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "assistant", "correct horse"


def make_certificate(folder):
    """Writes a self-signed certificate for 127.0.0.1 and its key to one file; its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "mail.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*plain))
    return path


class MailServer:
    """`mails` it took, as email.message.EmailMessage; `answers` it gives first, by command ("RCPT", "DATA"), oldest first.

    `refused`: recipients that it never takes. `on_mail` is called when a whole mail is there, before it is answered.
    """

    def __init__(self, port, certificate=None, sign_in=False, tls_from_the_start=False):
        self.port, self.mails, self.signed_in, self.refused = port, [], [], set()
        self.answers = {"RCPT": [], "DATA": []}
        self.on_mail = lambda: None
        options = {}
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
            options = {"ssl_context": context} if tls_from_the_start else {"tls_context": context, "require_starttls": True}
        if sign_in:
            options.update(auth_required=True, authenticator=self._sign_in, auth_require_tls=not tls_from_the_start)
        self._controller = Controller(self, hostname="127.0.0.1", port=port, **options)

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_):
        self._controller.stop()

    def _sign_in(self, server, session, envelope, mechanism, data):
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.signed_in.append(right)
        return AuthResult(success=right, handled=right)

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 (aiosmtpd's name)
        if self.answers["RCPT"]:
            return self.answers["RCPT"].pop(0)
        if address in self.refused:
            return f"550 5.1.1 <{address}>: Recipient address rejected"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.answers["DATA"]:
            return self.answers["DATA"].pop(0)
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        self.on_mail()
        return "250 OK"
