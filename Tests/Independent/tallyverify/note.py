# SPDX-License-Identifier: Apache-2.0
"""Signed notes and checkpoints (docs/formats/keys.md, C2SP signed-note and tlog-checkpoint)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .strict import INT63_MAX, StrictError, base64_bytes, decimal
from .tree import EMPTY_ROOT, HASH_BYTES

ED25519 = 1
COSIGNATURE = 4
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 64
GROUP_ORDER = (1 << 252) + 27742317777372353535851937790883648493


class NoteError(Exception):
    """A note that is not accepted; `name` is the finding's name of specs/evidence.md."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name
        self.detail = detail


@dataclass(frozen=True)
class VerifierKey:
    name: str
    key_id: bytes
    kind: int
    public: bytes

    @staticmethod
    def parse(text: str) -> "VerifierKey":
        """A line `name+8 hex digits+base64(type, public key)`, split at the first two pluses."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise StrictError("a key has three parts")
        name, digits, encoded = parts
        if not _is_name(name):
            raise StrictError("not a key's name")
        if len(digits) != 8 or any(digit not in "0123456789abcdef" for digit in digits):
            raise StrictError("a key id is eight lower-case hexadecimal digits")
        raw = base64_bytes(encoded)
        if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
            raise StrictError("neither an Ed25519 key nor a witness's")
        key_id = sha256(name.encode() + b"\n" + raw).digest()[:4]
        if key_id.hex() != digits:
            raise StrictError("the key id is not the key's")
        return VerifierKey(name, key_id, raw[0], raw[1:])

    def accepts(self, signature: bytes, message: bytes) -> bool:
        if int.from_bytes(signature[32:], "little") >= GROUP_ORDER:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Cosigned:
    witness: str
    time: int


@dataclass(frozen=True)
class Signature:
    name: str
    key_id: bytes
    blob: bytes  # what stands behind the key id


@dataclass(frozen=True)
class Note:
    """A note that was parsed; nothing is said about its signatures yet."""

    text: str
    signatures: list[Signature]

    @staticmethod
    def parse(data: bytes) -> "Note":
        if len(data) > MAX_NOTE_BYTES:
            raise NoteError("NOTE_FORMAT", f"more than {MAX_NOTE_BYTES} bytes")
        try:
            whole = data.decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            raise NoteError("NOTE_FORMAT", "not UTF-8") from error
        if any(ord(char) < 32 and char != "\n" for char in whole):
            raise NoteError("NOTE_FORMAT", "a control character")
        split = whole.rfind("\n\n")
        if split < 0:
            raise NoteError("NOTE_FORMAT", "no blank line before the signatures")
        text, rest = whole[: split + 1], whole[split + 2 :]
        if text == "\n" or not rest.endswith("\n"):
            raise NoteError("NOTE_FORMAT", "no text, or the last line does not end")
        lines = rest[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise NoteError("NOTE_FORMAT", f"more than {MAX_SIGNATURES} signatures")
        return Note(text, [_signature(line) for line in lines])


@dataclass
class Verified:
    """What the known keys say of a note."""

    signers: list[VerifierKey] = field(default_factory=list)
    cosigned: list[Cosigned] = field(default_factory=list)


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(
        char.isspace() or ord(char) < 32 for char in name
    )


def _signature(line: str) -> Signature:
    if not line.startswith("\u2014 "):
        raise NoteError("NOTE_FORMAT", "a signature line begins with an em dash and a space")
    name, found, encoded = line[2:].partition(" ")
    if not found or not _is_name(name):
        raise NoteError("NOTE_FORMAT", "a signature line has a name and a signature")
    try:
        raw = base64_bytes(encoded)
    except StrictError as error:
        raise NoteError("NOTE_FORMAT", f"signature of {name[:80]}: {error}") from error
    if len(raw) < 5:
        raise NoteError("NOTE_FORMAT", f"signature of {name[:80]} is too short")
    return Signature(name, raw[:4], raw[4:])


def verify(note: Note, keys: list[VerifierKey]) -> Verified:
    """Every signature under a known key must hold, and at least one log key must have signed."""
    result = Verified()
    known = {(key.name, key.key_id): key for key in keys}
    message = note.text.encode()
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue  # C2SP: signatures of keys that nobody told us are ignored
        if key.kind == ED25519:
            if len(signature.blob) != 64 or not key.accepts(signature.blob, message):
                raise NoteError("SIGNATURE", f"the signature of {key.name} does not hold")
            if key not in result.signers:
                result.signers.append(key)
        else:
            result.cosigned.append(_cosignature(key, signature.blob, message))
    if not result.signers:
        raise NoteError("SIGNATURE", "no known key of the log has signed")
    return result


def _cosignature(key: VerifierKey, blob: bytes, message: bytes) -> Cosigned:
    if len(blob) != 72:
        raise NoteError("COSIGNATURE", f"the cosignature of {key.name} has not 72 bytes")
    time = int.from_bytes(blob[:8], "big")
    signed = f"cosignature/v1\ntime {time}\n".encode() + message
    if time > INT63_MAX or not key.accepts(blob[8:], signed):
        raise NoteError("COSIGNATURE", f"the cosignature of {key.name} does not hold")
    return Cosigned(key.name, time)


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes

    @staticmethod
    def parse(text: str) -> "Checkpoint":
        """Origin, size, root; extension lines of others are tolerated, but none is empty."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] != "":
            raise NoteError("CHECKPOINT_FORMAT", "fewer than three lines")
        origin, size_text, root_text = lines[:3]
        if not origin:
            raise NoteError("CHECKPOINT_FORMAT", "no origin")
        if any(not line for line in lines[3:-1]):
            raise NoteError("CHECKPOINT_FORMAT", "an empty line")
        try:
            size, root = decimal(size_text), base64_bytes(root_text)
        except StrictError as error:
            raise NoteError("CHECKPOINT_FORMAT", str(error)) from error
        if len(root) != HASH_BYTES:
            raise NoteError("CHECKPOINT_FORMAT", "a root has 32 bytes")
        if size == 0 and root != EMPTY_ROOT:
            raise NoteError("CHECKPOINT_FORMAT", "size 0 with another root than the empty one")
        return Checkpoint(origin, size, root)


def open_checkpoint(
    data: bytes, keys: list[VerifierKey], origin: str | None
) -> tuple[Checkpoint, Verified]:
    """A checkpoint whose signatures hold; `origin`, when given, must be its own byte for byte."""
    note = Note.parse(data)
    verified = verify(note, keys)
    first_line = note.text.split("\n", 1)[0]
    if origin is not None and first_line != origin:
        raise NoteError("ORIGIN", f"the origin is '{first_line[:80]}'")
    checkpoint = Checkpoint.parse(note.text)
    if all(key.name != checkpoint.origin for key in verified.signers):
        raise NoteError("ORIGIN", "the signing key has another name than the origin")
    return checkpoint, verified
