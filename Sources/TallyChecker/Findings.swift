// SPDX-License-Identifier: Apache-2.0
//
// The findings of a running verification, by check. Imports TallyTypes; the checker writes it, the
// report is made from it.

import TallyTypes

/// What the checker looks at, in the order of the report.
enum CheckName: String, CaseIterable {
    case records
    case leaves
    case sequence
    case chain
    case idempotency
    case outcomes
    case tree
    case seals
    case rows
    case digest
}

/// The first finding of each check, and a bounded number of later ones.
struct Findings {
    /// The most findings kept beside the first of each check.
    static let othersMax = 100

    private struct Place: Hashable {
        let check: CheckName
        let book: BookID?
    }

    private(set) var first: [CheckName: Finding] = [:]
    private(set) var others: [Finding] = []
    private(set) var notes: [String] = []
    private var seen: Set<Place> = []

    /// Keeps a finding if it is the first of its check and book.
    mutating func add(_ check: CheckName, _ finding: Finding) {
        guard seen.insert(Place(check: check, book: finding.book)).inserted else { return }
        if first[check] == nil {
            first[check] = finding
        } else if others.count < Findings.othersMax {
            others.append(finding)
        }
    }

    mutating func note(_ text: String) {
        guard notes.count < Findings.othersMax else { return }
        notes.append(text)
    }
}
