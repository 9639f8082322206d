# SPDX-License-Identifier: AGPL-3.0-or-later
"""Every call of a cryptographic primitive in the project stands in this file.

The algorithms are those of age v1 (C2SP age.md), RFC 9180 (HPKE), RFC 5869 (HKDF), RFC 8032 (Ed25519),
RFC 7914 (scrypt), RFC 9106 (Argon2id), and bcrypt in OpenSSH key files; there is no second choice for any of them.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

import nacl.exceptions
import nacl.pwhash
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ed25519, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from crypto.errors import Malformed, WrongPassphrase

TAG_BYTES = 16
MAX_BCRYPT_ROUNDS = 64  # OpenSSH writes 16 or 24
ENCAPSULATED_BYTES = 1_120  # ML-KEM-768 ciphertext (1,088) and X25519 share (32)
HYBRID_PUBLIC_BYTES = 1_216  # ML-KEM-768 key (1,184) and X25519 key (32)

_HYBRID_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


def random_bytes(count: int) -> bytes:
    """Return `count` bytes from the operating system's generator."""
    return secrets.token_bytes(count)


def sha256(data: bytes) -> bytes:
    """Return the 32 bytes of SHA-256."""
    return hashlib.sha256(data).digest()


def digest(data: bytes) -> str:
    """Return SHA-256 as 64 lower-case hexadecimal digits, the form of every digest in FORMAT.md."""
    return hashlib.sha256(data).hexdigest()


def running_digest() -> "hashlib._Hash":
    """Return a SHA-256 that takes its bytes piece by piece."""
    return hashlib.sha256()


def sha512(data: bytes) -> bytes:
    """Return the 64 bytes of SHA-512."""
    return hashlib.sha512(data).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA256."""
    return hmac.new(key, message, hashlib.sha256).digest()


def same(a: bytes, b: bytes) -> bool:
    """Return whether two secrets are equal, in time that tells nothing about where they differ."""
    return hmac.compare_digest(a, b)


def hkdf(key: bytes, label: str, length: int, *, salt: bytes = b"") -> bytes:
    """Return `length` bytes of HKDF-SHA256 (RFC 5869) with the ASCII label as info."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt or None, info=label.encode("ascii")).derive(key)


def scrypt(passphrase: bytes, salt: bytes, log_n: int) -> bytes:
    """Return 32 bytes of scrypt with N = 2^log_n, r = 8, p = 1 (C2SP age.md). Raises Malformed without the memory."""
    try:
        return Scrypt(salt=salt, length=32, n=2**log_n, r=8, p=1).derive(passphrase)
    except MemoryError as error:
        raise Malformed("stanza", "this machine has not the memory that the file asks for") from error


def argon2id(passphrase: bytes, salt: bytes, *, ops: int, memory_bytes: int) -> bytes:
    """Return 32 bytes of Argon2id; `salt` is 16 bytes. Raises ValueError for parameters libsodium refuses."""
    try:
        return nacl.pwhash.argon2id.kdf(32, passphrase, salt, opslimit=ops, memlimit=memory_bytes)
    except nacl.exceptions.CryptoError as error:
        raise ValueError("the passphrase could not be stretched: not enough memory, or bad parameters") from error


def chacha_seal(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    """Return ChaCha20-Poly1305 ciphertext and tag, without additional data."""
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, None)


def chacha_open(key: bytes, nonce: bytes, ciphertext: bytes) -> bytes | None:
    """Return the plaintext, or None when the tag does not authenticate it: callers decide what that means."""
    if len(ciphertext) < TAG_BYTES:
        return None
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, ciphertext, None)
    except InvalidTag:
        return None


def is_hybrid_public(public: bytes) -> bool:
    """Return whether 1,216 bytes are a key that can be sealed to (FIPS 203, 7.2: the modulus check)."""
    try:
        mlkem.MLKEM768PublicKey.from_public_bytes(public[:1_184])
    except ValueError:
        return False
    return len(public) == HYBRID_PUBLIC_BYTES


def hybrid_seal(public: bytes, plaintext: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Return (encapsulated key, ciphertext) of one HPKE message to an ML-KEM-768 + X25519 key.

    public  1,216 bytes: ML-KEM-768 encapsulation key, then X25519 key
    Raises ValueError when the key is malformed.
    """
    mlkem_key = mlkem.MLKEM768PublicKey.from_public_bytes(public[:1_184])
    x25519_key = x25519.X25519PublicKey.from_public_bytes(public[1_184:])
    sealed = _HYBRID_SUITE.encrypt(plaintext, hpke.MLKEM768X25519PublicKey(mlkem_key, x25519_key), info)
    return sealed[:ENCAPSULATED_BYTES], sealed[ENCAPSULATED_BYTES:]


class HybridKey:
    """An ML-KEM-768 + X25519 private key, expanded once from its 32-byte seed (X-Wing: SHAKE-256)."""

    __slots__ = ("_key", "_x25519", "public")

    def __init__(self, seed: bytes) -> None:
        expanded = hashlib.shake_256(seed).digest(96)
        mlkem_key = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        self._x25519 = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
        self._key = hpke.MLKEM768X25519PrivateKey(mlkem_key, self._x25519)
        self.public = mlkem_key.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()

    def open(self, encapsulated: bytes, ciphertext: bytes, info: bytes) -> bytes | None:
        """Return the plaintext, or None when the message is not for this key.

        Raises ValueError for an X25519 share of low order, which no honest sender makes.
        """
        self._x25519.exchange(x25519.X25519PublicKey.from_public_bytes(encapsulated[1_088:]))
        try:
            return _HYBRID_SUITE.decrypt(encapsulated + ciphertext, self._key, info)
        except InvalidTag:
            return None


def ed25519_public(seed: bytes) -> bytes:
    """Return the 32-byte Ed25519 public key of a 32-byte seed."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    """Return the 64-byte Ed25519 signature."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def ed25519_verified(public: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether the Ed25519 signature holds."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def openssh_key_file(seed: bytes, passphrase: str | None) -> bytes:
    """Return an Ed25519 seed as an OpenSSH private key file, under a passphrase unless that is None."""
    lock = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode("utf-8"))
    key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock)


def openssh_seed(data: bytes, passphrase: str | None) -> bytes:
    """Return the Ed25519 seed of an OpenSSH private key file. Raises Malformed or WrongPassphrase."""
    _check_rounds(data)
    try:
        key = load_ssh_private_key(data, None if passphrase is None else passphrase.encode("utf-8"))
    except TypeError as error:  # locked and no passphrase given, or the other way round
        raise WrongPassphrase("no-match", "the passphrase does not open this file") from error
    except ValueError as error:
        if b"-----BEGIN OPENSSH PRIVATE KEY-----" in data and passphrase is not None:
            raise WrongPassphrase("no-match", "the passphrase does not open this file") from error
        raise Malformed("signing-key", "the file is not an OpenSSH private key") from error
    except UnsupportedAlgorithm as error:
        raise Malformed("signing-key", "the file is locked in a way that Underseal does not read") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise Malformed("signing-key", "the file does not hold an Ed25519 key")
    return key.private_bytes_raw()


def _check_rounds(data: bytes) -> None:
    """Refuse a key file with more bcrypt rounds than an honest one, 10 ms each (OpenSSH PROTOCOL.key)."""
    body = b"".join(line for line in data.splitlines() if line and not line.startswith((b"-", b"#")))
    try:
        fields = base64.b64decode(body).removeprefix(b"openssh-key-v1\0")
        for _ in range(2):  # the cipher's name, the derivation's name
            fields = fields[4 + int.from_bytes(fields[:4], "big") :]
        salt_bytes = int.from_bytes(fields[4:8], "big")
        rounds = fields[8 + salt_bytes : 12 + salt_bytes] if int.from_bytes(fields[:4], "big") else b""
    except binascii.Error:
        return  # not base64: the reader after this says so
    if int.from_bytes(rounds, "big") > MAX_BCRYPT_ROUNDS:
        raise Malformed("signing-key", "the file asks for more computing than an honest one")
