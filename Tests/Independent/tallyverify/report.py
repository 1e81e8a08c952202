# SPDX-License-Identifier: Apache-2.0
"""What a verification says: findings and their places, what was not checked, the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_FINDINGS = 50


@dataclass(frozen=True)
class Place:
    """Where something is wrong: a file below the judged place, a byte in it, a record, a book."""

    file: str = ""
    offset: int | None = None
    record: int | None = None
    book: str | None = None


@dataclass(frozen=True)
class Finding:
    name: str
    detail: str
    place: Place

    def json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "file": self.place.file,
            "offset": self.place.offset,
            "record": self.place.record,
            "book": self.place.book,
            "detail": self.detail,
        }


@dataclass
class Report:
    """Refuted with a finding, else not verified when something is unchecked, else verified."""

    kind: str = ""
    size: int | None = None
    root: bytes | None = None
    state_digest: bytes | None = None
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    unchecked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refute(self, name: str, detail: str, place: Place) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(name, detail, place))
        else:
            self.more += 1

    @property
    def exit(self) -> int:
        return 1 if self.findings else 2 if self.unchecked else 0

    @property
    def verdict(self) -> str:
        return ("verified", "refuted", "not verified")[self.exit]

    def json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "exit": self.exit,
            "kind": self.kind,
            "size": self.size,
            "root": None if self.root is None else self.root.hex(),
            "state_digest": None if self.state_digest is None else self.state_digest.hex(),
            "findings": [finding.json() for finding in self.findings],
            "more": self.more,
            "unchecked": self.unchecked,
            "notes": self.notes,
        }

    def text(self) -> str:
        root = "" if self.root is None else f", root {self.root.hex()}"
        size = "" if self.size is None else f" {self.size} records{root}"
        lines = [f"{self.verdict} {self.kind}{size}"]
        for finding in self.findings:
            place = finding.place
            parts = [f"file {place.file}"] if place.file else []
            parts += [] if place.offset is None else [f"byte {place.offset}"]
            parts += [] if place.record is None else [f"record {place.record}"]
            parts += [] if place.book is None else [f"book {place.book}"]
            lines.append(f"{finding.name}: {finding.detail} ({', '.join(parts)})")
        if self.more:
            lines.append(f"and {self.more} more")
        lines += [f"unchecked: {what}" for what in self.unchecked]
        lines += [f"note: {what}" for what in self.notes]
        return "\n".join(lines)
