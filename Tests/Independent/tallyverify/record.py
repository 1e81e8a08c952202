# SPDX-License-Identifier: Apache-2.0
"""Records, orders and outcomes (record.md, refusals.md): strict decoding of their shape.

An order becomes a dict of named fields with their defaults filled in; an outcome an `Outcome`.
Every refusal is a `RecordError` with a documented reason and the field.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Callable, NoReturn, Union

from . import cbor
from .cbor import CborError, Map, Value

if unicodedata.unidata_version != "14.0.0":
    raise ImportError("free text is pinned to Unicode 14.0: run this with Python 3.11")

MAX_RECORD_BYTES = 65_535
MAX_BLOB_BYTES = 524_288
MAX_BATCH = 8_189
MAX_ACCOUNT_BYTES = 1_024
U63 = 1 << 63
U64 = 1 << 64
AMOUNT = 1 << 256
SYSTEM_BOOK = bytes(16)

PROFILE_REASONS = frozenset(
    "non-shortest indefinite-length unexpected-break trailing-bytes truncated duplicate-key"
    " key-order key-type float simple-value tag reserved-info bignum utf8 not-nfc depth too-long".split()
)
ACCOUNT = re.compile(r"[a-zA-Z0-9_-]+(:[a-zA-Z0-9_-]+)*")
ASSET = re.compile(r"[A-Z][A-Z0-9]{0,16}(_[A-Z]{1,16})?(/[0-9]{1,6})?")
BOOK_NAME = re.compile(r"[0-9a-zA-Z_-]{1,63}")
KIND = re.compile(r"[a-z][a-z0-9.-]{0,31}")

BOOK_KINDS = ("system", "accounts", "journal")
EVENT_ACTIONS = ("insert", "update", "delete", "ingest")
KEY_ACTIONS = ("introduce", "retire")

Path = str
Fields = dict[str, Any]
Posting = tuple[str, str, str, int]  # source, destination, asset, amount
Metadata = list[tuple[bytes, bytes]]  # free text as its UTF-8


class RecordError(Exception):
    """Bytes that are no record."""

    def __init__(self, reason: str, field: str, offset: int = 0) -> None:
        super().__init__(f"{reason} in {field}")
        self.reason = reason
        self.field = field
        self.offset = offset

    @property
    def name(self) -> str:
        """The finding: of the encoding, or of the shape."""
        return "RECORD_ENCODING" if self.reason in PROFILE_REASONS else "RECORD_SHAPE"


def fail(reason: str, field: str) -> NoReturn:
    raise RecordError(reason, field)


# Items.


def number(value: Value, field: Path, below: int = U64, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        fail("wrong-type", field)
    if value < 0 and least == 0:
        fail("wrong-type" if value >= -U64 else "out-of-range", field)
    if not least <= value < below:
        fail("out-of-range", field)
    return value


def signed(value: Value, field: Path) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        fail("wrong-type", field)
    if not -U63 <= value < U63:
        fail("out-of-range", field)
    return value


def choice(value: Value, field: Path, names: tuple[str, ...]) -> str:
    at = number(value, field)
    if at >= len(names):
        fail("unknown-kind", field)
    return names[at]


def octets(value: Value, field: Path, length: int) -> bytes:
    if not isinstance(value, bytes):
        fail("wrong-type", field)
    if len(value) != length:
        fail("wrong-length", field)
    return value


def items(value: Value, field: Path, count: int | None = None) -> list[Value]:
    if not isinstance(value, list):
        fail("wrong-type", field)
    if count is not None and len(value) != count:
        fail("wrong-count", field)
    return value


def _is_assigned(text: str) -> bool:
    for char in text:
        if unicodedata.category(char) == "Cn":
            code = ord(char)
            if not (0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE):
                return False
    return True


def qualifies_as_text(text: str) -> bool:
    """Whether free text is written as a text string rather than as a byte string."""
    return text.isascii() or (unicodedata.is_normalized("NFC", text) and _is_assigned(text))


def free_text(value: Value, field: Path) -> bytes:
    """The UTF-8 of free text in either of its two forms."""
    if isinstance(value, str):
        if not value.isascii() and not _is_assigned(value):
            fail("not-nfc", field)
        return value.encode()
    if not isinstance(value, bytes):
        fail("wrong-type", field)
    try:
        text = value.decode("utf-8", "strict")
    except UnicodeDecodeError:
        fail("utf8", field)
    if qualifies_as_text(text):
        fail("text-as-bytes", field)
    return value


def free_value(text: bytes) -> Value:
    """The item that free text is written as."""
    decoded = text.decode("utf-8", "strict")
    return decoded if qualifies_as_text(decoded) else text


def non_empty_text(value: Value, field: Path) -> bytes:
    text = free_text(value, field)
    if not text:
        fail("empty", field)
    return text


def name(value: Value, field: Path, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str):
        fail("wrong-type", field)
    if pattern.fullmatch(value) is None:
        fail("illegal-name", field)
    return value


def account(value: Value, field: Path) -> str:
    address = name(value, field, ACCOUNT)
    if len(address) > MAX_ACCOUNT_BYTES:
        fail("illegal-name", field)
    return address


def metadata(value: Value, field: Path) -> Metadata:
    pairs: Metadata = []
    for at, pair in enumerate(items(value, field)):
        key, content = items(pair, f"{field}[{at}]", 2)
        entry = (free_text(key, f"{field}[{at}].key"), free_text(content, f"{field}[{at}].value"))
        if pairs and entry[0] <= pairs[-1][0]:
            fail("unsorted", f"{field}[{at}].key")
        pairs.append(entry)
    return pairs


def metadata_value(pairs: Metadata) -> Value:
    return [[free_value(key), free_value(content)] for key, content in pairs]


def account_metadata(value: Value, field: Path) -> list[tuple[str, Metadata]]:
    result: list[tuple[str, Metadata]] = []
    listed = items(value, field)
    if not listed:
        fail("empty", field)
    for at, pair in enumerate(listed):
        address, content = items(pair, f"{field}[{at}]", 2)
        entry = (account(address, field), metadata(content, field))
        if not entry[1]:
            fail("written-default", field)
        if result and entry[0] <= result[-1][0]:
            fail("unsorted", field)
        result.append(entry)
    return result


def postings(value: Value, field: Path) -> list[Posting]:
    listed = items(value, field)
    if not listed:
        fail("empty", field)
    result: list[Posting] = []
    for at, item in enumerate(listed):
        source, destination, asset, amount = items(item, f"{field}[{at}]", 4)
        result.append(
            (
                account(source, f"{field}[{at}].source"),
                account(destination, f"{field}[{at}].destination"),
                name(asset, f"{field}[{at}].asset", ASSET),
                number(amount, f"{field}[{at}].amount", AMOUNT),
            )
        )
    return result


def counted_root(value: Value, field: Path) -> tuple[int, bytes]:
    count, root = items(value, field, 2)
    return number(count, field, U63), octets(root, field, 32)


def true(value: Value, field: Path) -> bool:
    if not isinstance(value, bool):
        fail("wrong-type", field)
    if not value:
        fail("written-default", field)
    return value


# Maps of an order: for each key its name, how it is read, and what absence means.

_REQUIRED = object()


@dataclass(frozen=True)
class _Field:
    name: str
    read: Callable[[Value, Path], Any]
    absent: Any = _REQUIRED


def _bounded(below: int, least: int = 0) -> Callable[[Value, Path], int]:
    def read(value: Value, field: Path) -> int:
        result = number(value, field, below)
        if result < least:
            fail("out-of-range", field)
        return result

    return read


def _one_of(names: tuple[str, ...]) -> Callable[[Value, Path], str]:
    return lambda value, field: choice(value, field, names)


def _bytes32(value: Value, field: Path) -> bytes:
    return octets(value, field, 32)


def _book_name(value: Value, field: Path) -> str:
    return name(value, field, BOOK_NAME)


def _asset(value: Value, field: Path) -> str:
    return name(value, field, ASSET)


_ENTRIES = _Field("entriesPerGeneration", _bounded(1_048_577, 1))
_METADATA = _Field("metadata", metadata, [])
_ADDRESS = _Field("address", account)
_TRANSACTION = _Field("transaction", number)
_KEY = _Field("key", free_text)
_FORCED = _Field("forced", true, False)

ORDERS: dict[str, dict[int, _Field]] = {
    "ledger.create": {0: _Field("origin", free_text), 1: _ENTRIES},
    "book.create": {
        0: _Field("name", _book_name),
        1: _Field("kind", _one_of(BOOK_KINDS)),
        2: _Field("bucket", free_text, b"_default"),
        3: _METADATA,
        4: _Field("features", metadata, []),
    },
    "book.delete": {},
    "book.meta": {3: _METADATA},
    "book.meta.del": {1: _KEY},
    "config.set": {0: _ENTRIES},
    "log.key": {0: _Field("action", _one_of(KEY_ACTIONS)), 1: _Field("key", _bytes32)},
    "log.seal": {
        0: _Field("size", _bounded(U63)),
        1: _Field("state", _bytes32),
        2: _Field("balances", counted_root),
        3: _Field("heads", counted_root),
    },
    "log.successor": {
        0: _Field("origin", free_text),
        1: _Field("size", _bounded(U63)),
        2: _Field("root", _bytes32),
        3: _Field("note", non_empty_text, None),
    },
    "tx": {
        0: _Field("postings", postings),
        1: _Field("reference", non_empty_text, None),
        2: _Field("timestamp", signed, None),
        3: _METADATA,
        4: _Field("accountMetadata", account_metadata, []),
        5: _FORCED,
    },
    "tx.revert": {
        0: _TRANSACTION,
        1: _FORCED,
        2: _Field("atEffectiveDate", true, False),
        3: _METADATA,
    },
    "tx.meta": {0: _TRANSACTION, 3: _METADATA},
    "tx.meta.del": {0: _TRANSACTION, 1: _KEY},
    "acct.meta": {0: _ADDRESS, 3: _METADATA},
    "acct.meta.del": {0: _ADDRESS, 1: _KEY},
    "event": {
        0: _Field("entityType", free_text),
        1: _Field("entityId", free_text),
        2: _Field("field", free_text),
        3: _Field("action", _one_of(EVENT_ACTIONS)),
        4: _Field("oldValue", free_text, None),
        5: _Field("newValue", free_text, None),
        6: _Field("actor", free_text),
        7: _Field("source", free_text),
        8: _Field("workspace", free_text, None),
        9: _Field("occurredAt", signed, None),
        10: _Field("expectsOldValue", true, False),
    },
}


def _key(value: Union[int, str], field: Path) -> int:
    if isinstance(value, str):
        fail("unknown-key", field)
    return value


def fields(value: Value, shape: dict[int, _Field], path: Path) -> Fields:
    """The fields of a map; what is absent has its default."""
    if not isinstance(value, Map):
        fail("wrong-type", path)
    result: Fields = {}
    for key, item in value.pairs:
        field = shape.get(_key(key, path))
        if field is None:
            fail("unknown-key", path)
        content = field.read(item, field.name)
        if field.absent is not _REQUIRED and content == field.absent:
            fail("written-default", field.name)
        result[field.name] = content
    for field in shape.values():
        if field.name not in result:
            if field.absent is _REQUIRED:
                fail("missing-key", field.name)
            result[field.name] = field.absent
    return result


def order(kind: str, value: Value) -> Fields:
    shape = ORDERS.get(kind)
    if shape is None:
        fail("unknown-kind", "kind")
    return fields(value, shape, "order")


# Outcomes.

_U = number
REFUSALS: dict[int, tuple[str, tuple[_Field, ...]]] = {
    1: ("bookNotFound", (_Field("name", free_text),)),
    2: ("bookDeleted", ()),
    3: ("bookExists", (_Field("name", free_text),)),
    4: ("bookKind", tuple(_Field(word, _one_of(BOOK_KINDS)) for word in ("expected", "found"))),
    5: ("idempotencyConflict", ()),
    6: (
        "insufficientFunds",
        (
            _Field("account", account),
            _Field("asset", _asset),
            _Field("needed", _bounded(AMOUNT)),
            _Field("available", _bounded(AMOUNT)),
        ),
    ),
    7: ("referenceConflict", (_Field("reference", non_empty_text),)),
    8: ("transactionNotFound", (_Field("transaction", _U),)),
    9: ("alreadyReverted", (_Field("transaction", _U),)),
    10: ("metadataNotFound", (_Field("key", free_text),)),
    11: ("amountOverflow", (_Field("account", account), _Field("asset", _asset))),
    12: ("groupRolledBack", (_Field("position", _U),)),
    13: ("oldValueMismatch", ()),
    14: ("recordTooLarge", (_Field("bytes", _U),)),
    15: ("entityTooLarge", (_Field("bytes", _U),)),
    16: ("ledgerExists", ()),
    17: ("entityNotObject", ()),
    18: ("sealBeyondLedger", (_Field("size", _bounded(U63)),)),
}


def _book_id(value: Value, field: Path) -> bytes:
    return octets(value, field, 16)


_EFFECTS: dict[int, _Field] = {
    0: _Field("book", _book_id, None),
    1: _Field("log", number, None),
    2: _Field("transaction", number, None),
    3: _Field("postings", postings, None),
    4: _Field("timestamp", signed, None),
}


@dataclass(frozen=True)
class Outcome:
    """What became of an order. Of a refusal: its name and details; else the effects."""

    refusal: str | None
    details: Fields


def outcome(value: Value) -> Outcome:
    listed = items(value, "outcome")
    if not listed:
        fail("wrong-count", "outcome")
    verdict = number(listed[0], "outcome.verdict")
    if verdict == 0:
        return Outcome(None, _effects(listed))
    if verdict != 1:
        fail("unknown-kind", "outcome.verdict")
    if len(listed) < 2:
        fail("wrong-count", "outcome")
    code = number(listed[1], "outcome.refusal")
    if code not in REFUSALS:
        fail("unknown-kind", "outcome.refusal")
    word, details = REFUSALS[code]
    if len(listed) != (3 if details else 2):
        fail("wrong-count", "outcome")
    if not details:
        return Outcome(word, {})
    if isinstance(listed[2], Map) and len(listed[2].pairs) != len(details):
        fail("wrong-count", "outcome.details")
    return Outcome(word, fields(listed[2], dict(enumerate(details)), "outcome.details"))


def _effects(listed: list[Value]) -> Fields:
    if len(listed) == 1:
        return {field.name: None for field in _EFFECTS.values()}
    if len(listed) != 2:
        fail("wrong-count", "outcome")
    effects = fields(listed[1], _EFFECTS, "outcome.effects")
    if effects["book"] is not None:
        if any(value is not None for word, value in effects.items() if word != "book"):
            fail("unknown-key", "outcome.effects")
    elif effects["transaction"] is None:
        if effects["postings"] is not None or effects["timestamp"] is not None:
            fail("unknown-key", "outcome.effects")
    if effects["book"] is None and effects["log"] is None:
        fail("missing-key" if effects["transaction"] is None else "unknown-key", "outcome.log")
    return effects


# The record.


@dataclass(frozen=True)
class BlobReference:
    length: int
    digest: bytes


@dataclass
class Record:
    index: int
    book: bytes
    sequence: int
    previous: bytes
    time: int
    idempotency: bytes | None
    kind: str
    payload: dict[int, Value]
    size: int
    actor: bytes | None = None
    group: tuple[int, int, bool] | None = None
    batch: tuple[bytes, int, int] | None = None  # digest, position, count
    order_blob: BlobReference | None = None
    outcome_blob: BlobReference | None = None
    order: Fields | None = None
    order_bytes: bytes = b""
    outcome: Outcome | None = None

    @property
    def references(self) -> list[BlobReference]:
        return [blob for blob in (self.order_blob, self.outcome_blob) if blob is not None]


def _reference(value: Value, field: Path) -> BlobReference:
    length, digest = items(value, field, 2)
    size = number(length, field)
    if not 1 <= size <= MAX_BLOB_BYTES:
        fail("out-of-range", field)
    return BlobReference(size, octets(digest, field, 32))


def _group(value: Value) -> tuple[int, int, bool]:
    listed = items(value, "group")
    if len(listed) not in (2, 3):
        fail("wrong-count", "group")
    position, count = number(listed[0], "group"), number(listed[1], "group")
    if len(listed) == 3:
        whole = number(listed[2], "group")
        if whole != 1:
            fail("out-of-range", "group")
    if count < 2:
        fail("written-default", "group")
    if position >= count or count > 0xFFFF_FFFF:
        fail("out-of-range", "group")
    return position, count, len(listed) == 3


def _batch_position(value: Value) -> tuple[int, int]:
    position, count = items(value, "batchPosition", 2)
    at, of = number(position, "batchPosition"), number(count, "batchPosition")
    if at >= of or of > MAX_BATCH:
        fail("out-of-range", "batchPosition")
    return at, of


def envelope(data: bytes) -> Record:
    """The ten items and the payload of a record, but order and outcome."""
    listed = items(_item(data, MAX_RECORD_BYTES, "record"), "record", 10)
    format_ = number(listed[0], "format")
    if format_ != 1:
        fail("unknown-format", "format")
    kind = listed[8]
    record = Record(
        index=number(listed[1], "index", U63),
        book=octets(listed[2], "book", 16),
        sequence=number(listed[3], "sequence", U63),
        previous=octets(listed[4], "previous", 32),
        time=number(listed[5], "time", U63),
        idempotency=None if listed[6] is None else octets(listed[6], "idempotency", 32),
        kind="",
        payload={},
        size=len(data),
    )
    octets(listed[7], "salt", 16)
    record.kind = name(kind, "kind", KIND)
    if record.kind not in ORDERS:
        fail("unknown-kind", "kind")
    _payload(record, listed[9])
    return record


def _item(data: bytes, limit: int, field: Path) -> Value:
    try:
        return cbor.decode(data, limit)
    except CborError as error:
        raise RecordError(error.reason, field, error.offset) from error


def _payload(record: Record, value: Value) -> None:
    if not isinstance(value, Map):
        fail("wrong-type", "payload")
    payload: dict[int, Value] = {}
    for key, item in value.pairs:
        at = _key(key, "payload")
        if at == 2:
            fail("sealed-fields", "payload")
        if at > 8:
            fail("unknown-key", "payload")
        payload[at] = item
    record.payload = payload
    if 7 in payload:
        if 0 in payload:
            fail("needless-blob", "order")
        record.order_blob = _reference(payload[7], "order")
    elif 0 not in payload:
        fail("missing-key", "order")
    if 8 in payload:
        if 1 in payload:
            fail("needless-blob", "outcome")
        record.outcome_blob = _reference(payload[8], "outcome")
    elif 1 not in payload:
        fail("missing-key", "outcome")
    if 3 in payload:
        record.actor = free_text(payload[3], "actor")
    if 4 in payload:
        record.group = _group(payload[4])
    digest = octets(payload[5], "batch", 32) if 5 in payload else None
    place = _batch_position(payload[6]) if 6 in payload else None
    if digest is not None and place is not None:
        record.batch = (digest, *place)
    elif digest is not None or place is not None:
        fail("missing-key", "batch" if digest is None else "batchPosition")


def _content(
    record: Record, key: int, blob: BlobReference | None, blobs: dict[bytes, bytes], field: Path
) -> tuple[Value, bytes]:
    """An item of the payload and its bytes, wherever they stand."""
    if blob is None:
        value = record.payload[key]
        return value, cbor.encode(value)
    data = blobs.get(blob.digest)
    if data is None or len(data) != blob.length or sha256(data).digest() != blob.digest:
        fail("blob-not-given", field)
    return _item(data, MAX_BLOB_BYTES, field), data


def _require_needed(record: Record, order_size: int, outcome_size: int) -> None:
    """The rule that makes blobs: the larger first, the order on a tie, then the other."""
    reference = {
        blob: len(cbor.encode([blob.length, blob.digest])) for blob in record.references
    }
    whole = record.size
    for blob in record.references:
        whole += blob.length - reference[blob]
    if not record.references:
        return
    order_first = order_size >= outcome_size
    if whole <= MAX_RECORD_BYTES:
        fail("needless-blob", "order" if record.order_blob is not None else "outcome")
    first, second = record.order_blob, record.outcome_blob
    if not order_first:
        first, second = second, first
    if first is None:
        fail("needless-blob", "outcome" if order_first else "order")
    if second is not None and whole - first.length + reference[first] <= MAX_RECORD_BYTES:
        fail("needless-blob", "outcome" if order_first else "order")


def decode(data: bytes, blobs: dict[bytes, bytes]) -> Record:
    """A whole record, with the blobs that it needs by their digests."""
    record = envelope(data)
    complete(record, blobs)
    return record


def complete(record: Record, blobs: dict[bytes, bytes]) -> None:
    """Reads order and outcome of an envelope."""
    order_value, order_bytes = _content(record, 0, record.order_blob, blobs, "order")
    outcome_value, outcome_bytes = _content(record, 1, record.outcome_blob, blobs, "outcome")
    record.order = order(record.kind, order_value)
    record.outcome = outcome(outcome_value)
    record.order_bytes = order_bytes
    _require_needed(record, len(order_bytes), len(outcome_bytes))
