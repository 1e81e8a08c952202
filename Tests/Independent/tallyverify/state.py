# SPDX-License-Identifier: Apache-2.0
"""The state that a replay has reached, its rows and digests (state.md, tree.md, seal.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Hashable

from . import cbor, tree
from .record import BOOK_KINDS, Metadata, Posting, free_value, metadata_value

BOOK, BOOK_NAME, VOLUME, ACCOUNT_METADATA = 1, 2, 3, 4
TRANSACTION, REFERENCE, IDEMPOTENCY, BOOK_METADATA, ENTITY = 5, 6, 7, 8, 9
SYSTEM_BOOK = bytes(16)

Row = tuple[bytes, bytes]


@dataclass(frozen=True)
class Body:
    """What a revert needs of a transaction."""

    postings: list[Posting]
    timestamp: int
    metadata: Metadata


@dataclass(frozen=True)
class Claim:
    digest: bytes
    first: int
    count: int


class Undo:
    """Changes that can be taken back: a group commits as a whole or not at all."""

    def __init__(self) -> None:
        self._log: list[tuple[dict[Any, Any], Hashable, Any]] | None = None

    def begin(self) -> None:
        self._log = []

    def put(self, table: dict[Any, Any], key: Hashable, value: Any) -> None:
        """Sets a key, or removes it when the value is none."""
        if self._log is not None:
            self._log.append((table, key, table.get(key)))
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value

    def end(self, keep: bool) -> None:
        for table, key, value in reversed(self._log or []):
            if keep:
                break
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
        self._log = None


@dataclass
class Book:
    book_id: bytes
    kind: str
    bucket: bytes
    features: Metadata
    head: bytes
    sequence: int = 0
    faulty: bool = False
    numbers: dict[str, int] = field(default_factory=lambda: {"transaction": 1, "log": 1, "deleted": 0})
    volumes: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # asset, account
    account_metadata: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    reverted: dict[int, int] = field(default_factory=dict)
    changed: dict[int, Metadata] = field(default_factory=dict)
    references: dict[bytes, int] = field(default_factory=dict)
    claims: dict[bytes, Claim] = field(default_factory=dict)
    metadata: dict[bytes, bytes] = field(default_factory=dict)
    entities: dict[tuple[bytes, bytes], dict[bytes, str]] = field(default_factory=dict)
    bodies: dict[int, Body] = field(default_factory=dict)

    @property
    def is_deleted(self) -> bool:
        return self.numbers["deleted"] == 1

    def metadata_of(self, transaction: int) -> Metadata:
        changed = self.changed.get(transaction)
        return self.bodies[transaction].metadata if changed is None else changed


def _key(kind: int, book: bytes, *parts: bytes) -> bytes:
    return bytes((1, kind)) + book + b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def entity_row(state: dict[bytes, str]) -> bytes:
    fields = [[free_value(name), free_value(state[name].encode())] for name in sorted(state)]
    return cbor.encode([1, fields])


@dataclass
class State:
    size: int = 0
    time: int = 0
    generation: int = 1024
    origin: bytes = b""
    books: dict[bytes, Book] = field(default_factory=dict)
    names: dict[str, bytes] = field(default_factory=dict)
    undo: Undo = field(default_factory=Undo)

    def _live(self) -> list[Book]:
        return [book for book in self.books.values() if not book.is_deleted]

    def head_rows(self) -> list[Row]:
        return sorted(_book_row(book) for book in self._live())

    def volume_rows(self) -> list[Row]:
        return sorted(row for book in self._live() for row in _volume_rows(book))

    def rows(self) -> list[Row]:
        names = [
            (_key(BOOK_NAME, SYSTEM_BOOK, name.encode()), cbor.encode([1, book]))
            for name, book in self.names.items()
        ]
        rest = [row for book in self._live() for row in _other_rows(book)]
        return sorted(self.head_rows() + self.volume_rows() + names + rest)

    def digest(self) -> bytes:
        hasher = sha256()
        for key, value in self.rows():
            hasher.update(leaf_input(key, value))
        scalars = cbor.encode(
            [1, self.size, self.time, 0, self.generation, free_value(self.origin)]
        )
        hasher.update(b"\xff\xff\xff\xff" + len(scalars).to_bytes(4, "big") + scalars)
        return hasher.digest()


def leaf_input(key: bytes, value: bytes) -> bytes:
    return len(key).to_bytes(4, "big") + key + len(value).to_bytes(4, "big") + value


def rows_root(rows: list[Row]) -> bytes:
    return tree.root([tree.leaf_hash(leaf_input(key, value)) for key, value in rows])


def _book_row(book: Book) -> Row:
    row: list[cbor.Value] = [
        1,
        BOOK_KINDS.index(book.kind),
        free_value(book.bucket),
        metadata_value(book.features),
        book.is_deleted,
        book.sequence,
        book.head,
        book.numbers["transaction"],
        book.numbers["log"],
    ]
    return _key(BOOK, book.book_id), cbor.encode(row)


def _volume_rows(book: Book) -> list[Row]:
    return [
        (
            _key(VOLUME, book.book_id, asset.encode(), account.encode()),
            cbor.encode([1, received, given]),
        )
        for (asset, account), (received, given) in book.volumes.items()
    ]


def _other_rows(book: Book) -> list[Row]:
    book_id = book.book_id
    rows = [
        (_key(ACCOUNT_METADATA, book_id, account.encode(), key), cbor.encode([1, free_value(value)]))
        for (account, key), value in book.account_metadata.items()
    ]
    for transaction in book.reverted.keys() | book.changed.keys():
        changed = book.changed.get(transaction)
        content = None if changed is None else metadata_value(changed)
        row = cbor.encode([1, book.reverted.get(transaction), content])
        rows.append((_key(TRANSACTION, book_id, transaction.to_bytes(8, "big")), row))
    for reference, transaction in book.references.items():
        rows.append((_key(REFERENCE, book_id, reference), cbor.encode([1, transaction])))
    for key, claim in book.claims.items():
        row = cbor.encode([1, claim.digest, claim.first, claim.count])
        rows.append((_key(IDEMPOTENCY, book_id, key), row))
    for key, value in book.metadata.items():
        rows.append((_key(BOOK_METADATA, book_id, key), cbor.encode([1, free_value(value)])))
    for (kind, name), entity in book.entities.items():
        rows.append((_key(ENTITY, book_id, kind, name), entity_row(entity)))
    return rows
