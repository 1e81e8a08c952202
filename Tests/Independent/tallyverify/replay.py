# SPDX-License-Identifier: Apache-2.0
"""Executes every record again, with the plainest code that could work, and compares outcomes.

A book that has a fault is not executed further: its first fault is named, the other books go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from . import cbor, journal, tree
from .record import AMOUNT, SYSTEM_BOOK, Outcome, Posting, Record
from .report import Place, Report
from .state import Body, Book, Claim, State, entity_row, rows_root

MAX_ENTITY_ROW = 262_144
SYSTEM_KINDS = frozenset(
    "ledger.create book.create config.set log.key log.seal log.successor".split()
)
ACCOUNT_KINDS = frozenset("tx tx.revert tx.meta tx.meta.del acct.meta acct.meta.del".split())
ANY_BOOK_KINDS = frozenset("book.delete book.meta book.meta.del".split())
# The metadata key under which a reverting transaction names the one that it undid.
REVERTS_KEY = b"com.formance.spec/state/reverts"


@dataclass(frozen=True)
class Located:
    """A record and where it was read."""

    record: Record
    leaf: bytes
    place: Place


class Refused(Exception):
    """An order that a rule refuses: all the refusals that may be given, each with its details."""

    def __init__(self, *allowed: tuple[str, dict[str, object] | None]) -> None:
        super().__init__(allowed[0][0])
        self.allowed = allowed

    def allows(self, outcome: Outcome) -> bool:
        for name, details in self.allowed:
            if outcome.refusal == name and (details is None or details == outcome.details):
                return True
        return False


def refuse(name: str, /, **details: object) -> Refused:
    return Refused((name, details))


class Replay:
    """Feeds on records in order; `finish` when there are no more."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.state = State()
        self.origins: list[tuple[int, bytes]] = []  # from which index on which origin holds
        self.seals: dict[int, list[Located]] = {}
        self.transactions: dict[bytes, dict[int, int]] = {}  # book: transaction id to record index

    def run(self, located: list[Located]) -> None:
        """Executes all of `located`, which stand at indexes 0, 1, …"""
        for one in located:
            record = one.record
            if record.kind == "log.seal" and record.outcome and record.outcome.refusal is None:
                self.seals.setdefault(record.order["size"] if record.order else 0, []).append(one)
        at = 0
        self._compare_seals(0)
        while at < len(located):
            run = self._group_at(located, at)
            for one in run:
                self._envelope(one)
            if len(run) == 1 and located[at].record.group is None:
                self._execute(located[at])
                self._batch(located, at)
            else:
                self._execute_group(run)
            at += len(run)
            self._compare_seals(at, at - len(run))
        beyond = sorted(size for size in self.seals if size > len(located))
        for size in beyond:
            for seal in self.seals[size]:
                self._refute("OUTCOME", "a seal of more records than there are", seal)

    @property
    def is_whole(self) -> bool:
        """Whether no book has a fault, so that the state is what the records say."""
        return not any(book.faulty for book in self.state.books.values())

    def origin_at(self, size: int) -> bytes | None:
        """The name of a checkpoint of the first `size` records."""
        held = [origin for index, origin in self.origins if index < size]
        return held[-1] if held else None

    def _refute(self, name: str, detail: str, one: Located) -> None:
        """The first fault of a book; what follows from it is not listed."""
        place, book = one.place, one.record.book
        if book in self.state.books and self.state.books[book].faulty:
            return
        self.report.refute(name, detail, Place(place.file, place.offset, place.record, book.hex()))
        if book in self.state.books:
            self.state.books[book].faulty = True

    # Where a record stands.

    def _envelope(self, one: Located) -> None:
        record, state = one.record, self.state
        if record.index != state.size:
            self._refute("RECORD_INDEX", f"number {record.index} stands at {state.size}", one)
        if state.size and record.time <= state.time:
            self._refute("RECORD_TIME", f"time {record.time} is not after {state.time}", one)
        if record.book == SYSTEM_BOOK and SYSTEM_BOOK not in state.books:
            self._start(one)
        book = state.books.get(record.book)
        if book is None:
            self._refute("RULE", "no record made this book", one)
        else:
            if record.sequence != book.sequence:
                detail = f"sequence {record.sequence}, not {book.sequence}"
                self._refute("CHAIN_SEQ", detail, one)
            if record.previous != book.head:
                self._refute("CHAIN_PREV", "the hash of the record before is another", one)
            book.sequence += 1
            book.head = one.leaf
            self._claim(one, book)
        state.size += 1
        state.time = max(state.time, record.time)

    def _start(self, one: Located) -> None:
        record = one.record
        if record.index != 0 or record.kind != "ledger.create" or record.order is None:
            self._refute("RULE", "the first record of a ledger is ledger.create", one)
            return
        origin = record.order["origin"]
        self.state.books[SYSTEM_BOOK] = Book(
            SYSTEM_BOOK, "system", b"_default", [], self._genesis(origin, SYSTEM_BOOK)
        )

    def _genesis(self, origin: bytes, book: bytes) -> bytes:
        return sha256(b"tallystick/book/v1\n" + origin + b"\n" + book).digest()

    def _claim(self, one: Located, book: Book) -> None:
        record = one.record
        if record.idempotency is None:
            if record.batch is not None:
                self._refute("IDEMPOTENCY", "a batch's digest without its key", one)
            return
        if record.outcome is not None and record.outcome.refusal is not None:
            self._refute("IDEMPOTENCY", "a refused record claims a key", one)
            return
        if record.idempotency in book.claims:
            first = book.claims[record.idempotency].first
            self._refute("IDEMPOTENCY", f"record {first} has claimed this key", one)
            return
        if record.batch is not None:
            digest, position, count = record.batch
            claim = Claim(digest, record.index - position, count)
        else:
            whole = record.group is not None and record.group[2]
            suffix = cbor.encode(record.payload[4]) if whole else b""
            claim = Claim(sha256(record.order_bytes + suffix).digest(), record.index, 1)
        book.claims[record.idempotency] = claim

    def _batch(self, located: list[Located], at: int) -> None:
        """The neighbours of a claim must be able to be its batch."""
        one = located[at]
        if one.record.batch is None:
            return
        _, position, count = one.record.batch
        first = at - position
        if first < 0 or one.record.kind != "tx":
            self._refute("IDEMPOTENCY", "there is no room for this batch", one)
            return
        for other in located[first : min(first + count, len(located))]:
            record = other.record
            is_before = record.index < one.record.index
            is_refused = record.outcome is not None and record.outcome.refusal is not None
            is_transfer = record.kind == "tx" and record.book == one.record.book
            is_alone = record.group is None and (other is one or record.batch is None)
            if not (is_transfer and is_alone and (is_refused or not is_before)):
                detail = f"record {record.index} cannot be a transfer of this batch"
                self._refute("IDEMPOTENCY", detail, one)
                return

    # Groups.

    def _group_at(self, located: list[Located], at: int) -> list[Located]:
        group = located[at].record.group
        run = [located[at]]
        while group is not None and at + len(run) < len(located):
            following = located[at + len(run)].record.group
            if following is None or following[1:] != group[1:] or following[0] <= group[0]:
                break
            run.append(located[at + len(run)])
            group = following
        return run

    def _execute_group(self, run: list[Located]) -> None:
        """All are committed, or one carries its reason and all others its position."""
        outcomes = [one.record.outcome for one in run]
        reasons = [
            one
            for one, outcome in zip(run, outcomes)
            if outcome is not None and outcome.refusal not in (None, "groupRolledBack")
        ]
        refused = [outcome for outcome in outcomes if outcome is not None and outcome.refusal]
        if not refused:
            self.state.undo.begin()
            for one in run:
                self._execute(one)
            self.state.undo.end(keep=True)
            return
        if len(refused) != len(run):
            self._refute("OUTCOME", "a part of a group is committed", run[0])
            return
        if len(reasons) > 1:
            self._refute("OUTCOME", "two orders of a group carry a reason", reasons[1])
            return
        self._execute_refused(run, reasons[0] if reasons else None)

    def _execute_refused(self, run: list[Located], reason: Located | None) -> None:
        """Without a reason, the order that was refused is a replay, which has no record."""
        position = None if reason is None or reason.record.group is None else reason.record.group[0]
        self.state.undo.begin()
        for one in run:
            outcome, group = one.record.outcome, one.record.group
            if one is reason:
                self._execute(one)
            elif outcome is not None and group is not None:
                named = outcome.details["position"]
                if position is not None and named != position:
                    self._refute("OUTCOME", f"position {position} was refused, not {named}", one)
                if position is not None and group[0] < position:
                    self._try(one)
        self.state.undo.end(keep=False)

    def _try(self, one: Located) -> None:
        """An order that ran before the one that was refused; its ids are not recorded."""
        book = self._book(one)
        if book is None:
            return
        try:
            self._order(one, book, None)
        except Refused as refused:
            self._refute("OUTCOME", f"this order comes first and is refused: {refused}", one)
        except journal.NotJSON as error:
            self._unchecked(one, str(error))

    # Orders.

    def _book(self, one: Located) -> Book | None:
        book = self.state.books.get(one.record.book)
        return None if book is None or book.faulty else book

    def _unchecked(self, one: Located, why: str) -> None:
        self.report.unchecked.append(f"record {one.record.index}: {why}")

    def _execute(self, one: Located) -> None:
        book, outcome = self._book(one), one.record.outcome
        if book is None or outcome is None:
            return
        if outcome.refusal == "idempotencyConflict":
            return  # the key that was refused stands in no record
        if outcome.refusal == "recordTooLarge":
            self._refute("OUTCOME", "no rule of this version refuses a record as too large", one)
            return
        try:
            effects = self._order(one, book, outcome)
        except Refused as refused:
            if outcome.refusal is None:
                self._refute("RULE", f"committed, but a rule refuses it: {refused}", one)
            elif not refused.allows(outcome):
                self._refute("OUTCOME", f"refused: {outcome.refusal}, but it is {refused}", one)
            return
        except journal.NotJSON as error:
            self._unchecked(one, str(error))
            book.faulty = True
            return
        if outcome.refusal is not None:
            self._refute("OUTCOME", f"refused: {outcome.refusal}, but no rule refuses it", one)
        elif effects != {key: value for key, value in outcome.details.items() if value is not None}:
            self._refute("OUTCOME", f"the effects are {effects}"[:300], one)

    def _order(self, one: Located, book: Book, outcome: Outcome | None) -> dict[str, object]:
        """Applies an order and returns its effects; raises the refusal."""
        record, order = one.record, one.record.order
        assert order is not None
        kind = record.kind
        if book.book_id == SYSTEM_BOOK:
            if kind not in SYSTEM_KINDS:
                self._nowhere(outcome)
            return self._system(one, outcome)
        if book.is_deleted:
            raise refuse("bookDeleted")
        expected = "accounts" if kind in ACCOUNT_KINDS else "journal"
        if kind not in ANY_BOOK_KINDS and book.kind != expected:
            raise refuse("bookKind", expected=expected, found=book.kind)
        if kind == "tx":
            return self._transaction(record, book)
        if kind == "tx.revert":
            return self._revert(record, book)
        if kind in ("tx.meta", "tx.meta.del"):
            return self._transaction_metadata(record, book)
        if kind in ("acct.meta", "acct.meta.del"):
            return self._account_metadata(record, book)
        if kind == "event":
            return self._event(record, book)
        return self._book_order(record, book)

    def _nowhere(self, outcome: Outcome | None) -> None:
        """An order for a book that nobody made stands in the system book."""
        name = None if outcome is None else outcome.details.get("name")
        is_known = isinstance(name, bytes) and name.decode() in self.state.names
        if is_known:
            raise refuse("bookFound")
        raise Refused(("bookNotFound", None))

    def _system(self, one: Located, outcome: Outcome | None) -> dict[str, object]:
        record, order, state = one.record, one.record.order, self.state
        assert order is not None
        put = state.undo.put
        if record.kind == "ledger.create":
            if record.index:
                raise refuse("ledgerExists")
            state.origin, state.generation = order["origin"], order["entriesPerGeneration"]
            self.origins.append((record.index, state.origin))
        elif record.kind == "config.set":
            state.generation = order["entriesPerGeneration"]
        elif record.kind == "log.seal":
            if order["size"] > record.index:
                raise refuse("sealBeyondLedger", size=order["size"])
        elif record.kind == "log.successor":
            if order["origin"] == state.origin:
                raise refuse("ledgerExists")
            state.origin = order["origin"]
            self.origins.append((record.index, state.origin))
        elif record.kind == "book.create":
            if order["name"] in state.names:
                raise refuse("bookExists", name=order["name"].encode())
            book = outcome.details.get("book") if outcome is not None else None
            if not isinstance(book, bytes):
                return {"book": b""}
            if book in state.books:
                return {"book": b"another one"}
            head = self._genesis(state.origin, book)
            made = Book(book, order["kind"], order["bucket"], order["features"], head)
            made.metadata = dict(order["metadata"])
            put(state.books, book, made)
            put(state.names, order["name"], book)
            return {"book": book}
        return {}

    def _log(self, book: Book) -> dict[str, object]:
        log = book.numbers["log"]
        self.state.undo.put(book.numbers, "log", log + 1)
        return {"log": log}

    def _book_order(self, record: Record, book: Book) -> dict[str, object]:
        order, put = record.order, self.state.undo.put
        assert order is not None
        if record.kind == "book.delete":
            put(book.numbers, "deleted", 1)
        elif record.kind == "book.meta":
            for key, value in order["metadata"]:
                put(book.metadata, key, value)
        else:
            put(book.metadata, order["key"], None)  # absent is fine
        return {}

    def _account_metadata(self, record: Record, book: Book) -> dict[str, object]:
        order, put = record.order, self.state.undo.put
        assert order is not None
        address = order["address"]
        if record.kind == "acct.meta":
            for key, value in order["metadata"]:
                put(book.account_metadata, (address, key), value)
        else:
            put(book.account_metadata, (address, order["key"]), None)  # absent is fine
        return self._log(book)

    def _transaction_metadata(self, record: Record, book: Book) -> dict[str, object]:
        order = record.order
        assert order is not None
        transaction = order["transaction"]
        if transaction not in book.bodies:
            raise refuse("transactionNotFound", transaction=transaction)
        content = dict(book.metadata_of(transaction))
        if record.kind == "tx.meta":
            content |= dict(order["metadata"])
        elif order["key"] not in content:
            raise refuse("metadataNotFound", key=order["key"])
        else:
            del content[order["key"]]
        if record.kind != "tx.meta" or order["metadata"] or transaction in book.changed:
            self.state.undo.put(book.changed, transaction, sorted(content.items()))
        return self._log(book)

    # Money.

    def _move(self, book: Book, posting: Posting, forced: bool) -> None:
        source, destination, asset, amount = posting
        received, given = book.volumes.get((asset, source), (0, 0))
        available = max(0, received - given)
        if source != "world" and not forced and available < amount:
            raise refuse(
                "insufficientFunds",
                account=source,
                asset=asset,
                needed=amount,
                available=available,
            )
        if given + amount >= AMOUNT:
            raise refuse("amountOverflow", account=source, asset=asset)
        self.state.undo.put(book.volumes, (asset, source), (received, given + amount))
        received, given = book.volumes.get((asset, destination), (0, 0))
        if received + amount >= AMOUNT:
            raise refuse("amountOverflow", account=destination, asset=asset)
        self.state.undo.put(book.volumes, (asset, destination), (received + amount, given))

    def _move_all(self, book: Book, postings: list[Posting], forced: bool) -> None:
        """All postings or none, also outside a group."""
        before = {
            (asset, account): book.volumes.get((asset, account))
            for source, destination, asset, _ in postings
            for account in (source, destination)
        }
        try:
            for posting in postings:
                self._move(book, posting, forced)
        except Refused:
            for key, value in before.items():
                self.state.undo.put(book.volumes, key, value)
            raise

    def _transaction(self, record: Record, book: Book) -> dict[str, object]:
        order, put = record.order, self.state.undo.put
        assert order is not None
        reference, postings = order["reference"], order["postings"]
        if reference is not None and reference in book.references:
            raise refuse("referenceConflict", reference=reference)
        self._move_all(book, postings, order["forced"])
        for address, content in order["accountMetadata"]:
            for key, text in content:
                put(book.account_metadata, (address, key), text)
        timestamp = record.time if order["timestamp"] is None else order["timestamp"]
        body = Body(postings, timestamp, order["metadata"])
        effects = self._record_transaction(record, book, body)
        if reference is not None:
            put(book.references, reference, effects["transaction"])
        return effects

    def _record_transaction(self, record: Record, book: Book, body: Body) -> dict[str, object]:
        transaction = book.numbers["transaction"]
        put = self.state.undo.put
        put(book.numbers, "transaction", transaction + 1)
        put(book.bodies, transaction, body)
        places = self.transactions.setdefault(book.book_id, {})
        put(places, transaction, record.index)
        return self._log(book) | {"transaction": transaction}

    def _revert(self, record: Record, book: Book) -> dict[str, object]:
        order, put = record.order, self.state.undo.put
        assert order is not None
        transaction = order["transaction"]
        body = book.bodies.get(transaction)
        if body is None:
            raise refuse("transactionNotFound", transaction=transaction)
        if transaction in book.reverted:
            raise refuse("alreadyReverted", transaction=transaction)
        postings = [
            (destination, source, asset, amount)
            for source, destination, asset, amount in reversed(body.postings)
        ]
        if not order["forced"]:
            _require_funds(book, postings)
        self._move_all(book, postings, forced=True)
        timestamp = body.timestamp if order["atEffectiveDate"] else record.time
        born = dict(order["metadata"])
        born[REVERTS_KEY] = str(order["transaction"]).encode()
        made = Body(postings, timestamp, sorted(born.items()))
        effects = self._record_transaction(record, book, made)
        put(book.reverted, transaction, effects["transaction"])
        effects["postings"] = postings
        if timestamp != record.time:
            effects["timestamp"] = timestamp
        return effects

    # Journals.

    def _event(self, record: Record, book: Book) -> dict[str, object]:
        order = record.order
        assert order is not None
        key = (order["entityType"], order["entityId"])
        entity = book.entities.get(key)
        old = None if order["oldValue"] is None else order["oldValue"].decode()
        new = None if order["newValue"] is None else order["newValue"].decode()
        field, action = order["field"], order["action"]
        allowed: list[tuple[str, dict[str, object] | None]] = []
        if order["expectsOldValue"] and not journal.same_value(old, journal.current(entity, field)):
            allowed.append(("oldValueMismatch", {}))
        if field == b"*" and action in ("insert", "update") and new is not None:
            if journal.members(new) is None:
                allowed.append(("entityNotObject", {}))
        if allowed:
            raise Refused(*allowed)
        changed = journal.fold(entity, field, action, new)
        if changed is not None and action != "ingest":
            row = len(entity_row(changed))
            if row > MAX_ENTITY_ROW:
                raise refuse("entityTooLarge", bytes=row)
        self.state.undo.put(book.entities, key, changed)
        return {}

    # Seals.

    def _compare_seals(self, size: int, before: int | None = None) -> None:
        for inner in range(size if before is None else before + 1, size):
            for seal in self.seals.get(inner, []):
                self._unchecked(seal, "its size lies within a group")
        for seal in self.seals.get(size, []):
            order = seal.record.order
            if order is None or not self.is_whole:
                self._unchecked(seal, "a book before this seal is not executed to its size")
                continue
            heads, volumes = self.state.head_rows(), self.state.volume_rows()
            for word, sealed, found in (
                ("heads", order["heads"], (len(heads), rows_root(heads))),
                ("balances", order["balances"], (len(volumes), rows_root(volumes))),
                ("state digest", order["state"], self.state.digest()),
            ):
                if sealed != found:
                    detail = f"the {word} after {size} records are others"
                    self.report.refute("SEAL", detail, seal.place)


def _require_funds(book: Book, postings: list[Posting]) -> None:
    """A revert looks at all postings together; these sums are exact."""
    given: dict[tuple[str, str], int] = {}
    received: dict[tuple[str, str], int] = {}
    for source, destination, asset, amount in postings:
        given[asset, source] = given.get((asset, source), 0) + amount
        received[asset, destination] = received.get((asset, destination), 0) + amount
    for source, _, asset, _ in postings:
        if source == "world":
            continue
        key = (asset, source)
        before_in, before_out = book.volumes.get(key, (0, 0))
        balance = before_in - before_out
        if balance + received.get(key, 0) < given[key]:
            details = {"account": source, "asset": asset, "needed": given[key]}
            raise Refused(("insufficientFunds", details | {"available": max(0, balance)}))
