# SPDX-License-Identifier: Apache-2.0
"""Receipts: `tallystick-receipt/1` in JSON, and the C2SP tlog-proof text beside its record."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Union

from . import cbor, record as records
from .cbor import CborError, Map, Value
from .note import NoteError, Verified, VerifierKey, open_checkpoint
from .strict import INT63_MAX, StrictError, base64_bytes, decimal, json_value
from .tree import HASH_BYTES, leaf_hash, verify_inclusion

TYPE = "tallystick-receipt/1"
PROOF_TYPE = "c2sp.org/tlog-proof@v1"
MAX_RECEIPT_BYTES = 2_000_000
MAX_PATH = 63
MAX_OPENINGS = 1_024


class ReceiptError(Exception):
    """A receipt that is not accepted; `name` is the finding's name of specs/evidence.md."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name
        self.detail = detail


@dataclass(frozen=True)
class Opening:
    at: list[Union[int, str]]
    salt: bytes
    value: bytes


@dataclass(frozen=True)
class Receipt:
    origin: str | None  # a tlog-proof has none of its own
    index: int
    record: bytes
    proof: list[bytes]
    checkpoint: bytes
    openings: list[Opening] = field(default_factory=list)


def _text(members: dict[str, Any], name: str) -> str:
    value = members[name]
    if not isinstance(value, str):
        raise ReceiptError("RECEIPT_FORMAT", f"{name} is no text")
    return value


def _base64(text: Any, name: str, length: int | None = None) -> bytes:
    if not isinstance(text, str):
        raise ReceiptError("RECEIPT_FORMAT", f"{name} is no text")
    try:
        raw = base64_bytes(text)
    except StrictError as error:
        raise ReceiptError("BASE64", f"{name}: {error}") from error
    if length is not None and len(raw) != length:
        raise ReceiptError("RECEIPT_FORMAT", f"{name} has not {length} bytes")
    return raw


def _index(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= INT63_MAX:
        raise ReceiptError("RECEIPT_FORMAT", "index is no number from 0 to 2^63 - 1")
    return value


def _list(value: Any, name: str, limit: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > limit:
        raise ReceiptError("RECEIPT_FORMAT", f"{name} is no list of at most {limit}")
    return value


def _members(value: Any, required: set[str], optional: set[str], name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ReceiptError("RECEIPT_FORMAT", f"{name} is no object")
    missing, unknown = required - value.keys(), value.keys() - required - optional
    if missing or unknown:
        word = sorted(missing or unknown)[0][:40]
        how = "is missing" if missing else "is not known"
        raise ReceiptError("RECEIPT_FORMAT", f"member '{word}' of {name} {how}")
    return value


def _opening(value: Any) -> Opening:
    members = _members(value, {"at", "salt", "value"}, set(), "an opening")
    at = _list(members["at"], "at", 16)
    if not at or any(isinstance(step, bool) or not isinstance(step, (int, str)) for step in at):
        raise ReceiptError("RECEIPT_FORMAT", "at is no path")
    return Opening(at, _base64(members["salt"], "salt", 16), _base64(members["value"], "value"))


def parse_json(data: bytes) -> Receipt:
    if len(data) > MAX_RECEIPT_BYTES:
        raise ReceiptError("RECEIPT_FORMAT", f"more than {MAX_RECEIPT_BYTES} bytes")
    try:
        value = json_value(data)
    except StrictError as error:
        raise ReceiptError("RECEIPT_FORMAT", str(error)) from error
    required = {"type", "origin", "index", "record", "proof", "checkpoint"}
    members = _members(value, required, {"openings"}, "the receipt")
    if members["type"] != TYPE:
        raise ReceiptError("RECEIPT_FORMAT", "unknown type")
    proof = _list(members["proof"], "proof", MAX_PATH)
    openings = _list(members.get("openings", []), "openings", MAX_OPENINGS)
    return Receipt(
        origin=_text(members, "origin"),
        index=_index(members["index"]),
        record=_base64(members["record"], "record"),
        proof=[_base64(item, "proof", HASH_BYTES) for item in proof],
        checkpoint=_text(members, "checkpoint").encode(),
        openings=[_opening(item) for item in openings],
    )


def parse_tlog_proof(data: bytes, record: bytes) -> Receipt:
    """The text form; the record stands beside it."""
    if len(data) > MAX_RECEIPT_BYTES:
        raise ReceiptError("RECEIPT_FORMAT", f"more than {MAX_RECEIPT_BYTES} bytes")
    head, found, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("utf-8", "strict").split("\n")
    except UnicodeDecodeError as error:
        raise ReceiptError("RECEIPT_FORMAT", "not UTF-8") from error
    if not found or lines.pop(0) != PROOF_TYPE:
        raise ReceiptError("RECEIPT_FORMAT", "no tlog-proof of version 1")
    if lines and lines[0].startswith("extra "):
        _base64(lines.pop(0)[len("extra ") :], "extra")
    if not lines or not lines[0].startswith("index "):
        raise ReceiptError("RECEIPT_FORMAT", "no index")
    try:
        index = decimal(lines.pop(0)[len("index ") :])
    except StrictError as error:
        raise ReceiptError("RECEIPT_FORMAT", f"index: {error}") from error
    if len(lines) > MAX_PATH:
        raise ReceiptError("RECEIPT_FORMAT", "a path has at most 63 hashes")
    proof = [_base64(line, "proof", HASH_BYTES) for line in lines]
    return Receipt(None, index, record, proof, checkpoint)


@dataclass(frozen=True)
class Judged:
    size: int
    root: bytes
    origin: str
    verified: Verified


def verify(receipt: Receipt, keys: list[VerifierKey], cosignatures: int = 0) -> Judged:
    """Everything that a receipt says, in the order of specs/evidence.md section 5.

    `cosignatures` is the policy: so many of the known witnesses must have signed.
    """
    try:
        checkpoint, verified = open_checkpoint(receipt.checkpoint, keys, receipt.origin)
    except NoteError as error:
        raise ReceiptError(error.name, error.detail) from error
    if len({cosigned.witness for cosigned in verified.cosigned}) < cosignatures:
        raise ReceiptError("WITNESS_POLICY", f"fewer than {cosignatures} cosignatures")
    leaf = leaf_hash(receipt.record)
    if not verify_inclusion(receipt.index, checkpoint.size, leaf, receipt.proof, checkpoint.root):
        raise ReceiptError("RECEIPT_PROOF", "the path does not lead to the root")
    payload = _record(receipt)
    for opening in receipt.openings:
        _verify_opening(opening, payload)
    return Judged(checkpoint.size, checkpoint.root, checkpoint.origin, verified)


def _record(receipt: Receipt) -> Value:
    """The payload of the receipt's record, whose envelope is checked.

    Order and outcome are judged by a replay alone: a receipt may show a record of a later format of
    payloads, and sealed fields stand there already in the published example.
    """
    try:
        value = cbor.decode(receipt.record)
    except CborError as error:
        raise ReceiptError("RECORD_ENCODING", str(error)) from error
    try:
        listed = records.items(value, "record", 10)
        if records.number(listed[0], "format") != 1:
            records.fail("unknown-format", "format")
        index = records.number(listed[1], "index", records.U63)
        records.octets(listed[2], "book", 16)
        records.number(listed[3], "sequence", records.U63)
        records.octets(listed[4], "previous", 32)
        records.number(listed[5], "time", records.U63)
        if listed[6] is not None:
            records.octets(listed[6], "idempotency", 32)
        records.octets(listed[7], "salt", 16)
        records.name(listed[8], "kind", records.KIND)
        if not isinstance(listed[9], Map):
            records.fail("wrong-type", "payload")
    except records.RecordError as error:
        raise ReceiptError("RECORD_SHAPE", str(error)) from error
    if index != receipt.index:
        raise ReceiptError("RECORD_INDEX", f"the record is number {index}")
    return listed[9]


def _step(value: Value, step: Union[int, str]) -> Value:
    if isinstance(value, Map):
        for key, item in value.pairs:
            if key == step and type(key) is type(step):
                return item
    elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        return value[step]
    raise ReceiptError("OPENING", "the path leads nowhere")


def _verify_opening(opening: Opening, payload: Value) -> None:
    place = payload
    for step in opening.at:
        place = _step(place, step)
    try:
        cbor.decode(opening.value)
    except CborError as error:
        raise ReceiptError("OPENING", f"the value: {error}") from error
    made = sha256(b"tallystick/seal/v1\n" + opening.salt + opening.value).digest()
    if place != made:
        raise ReceiptError("OPENING", "the commitment is another")
