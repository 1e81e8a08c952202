// SPDX-License-Identifier: Apache-2.0
//
// A transaction after its book's own rules were applied: every posting has an amount, in the
// journal's names. Standard library only; made by the three books, consumed by the plan, which maps
// names and turns signed amounts into transfers.

/// How a posting's amount is answered.
enum PostingGroup: Hashable, Sendable {
    /// By the other postings of the transaction, and by conversion for what they leave.
    case balanced
    /// By nothing in the journal: an unbalanced virtual posting.
    case unbalancedVirtual
}

/// One posting with its amount.
struct BookedPosting: Sendable {
    let account: String
    let commodity: String
    let quantity: ExactDecimal
    /// Digits after the point as written; nothing for inferred amounts.
    let places: Int
    let group: PostingGroup
    let position: SourcePosition
}

/// One transaction, ready to be mapped.
struct BookedTransaction: Sendable {
    let date: CivilDate
    let payee: String
    let narration: String
    let code: String
    /// All else that the journal says about it, by metadata key.
    let details: TransactionDetails
    var postings: [BookedPosting]
    let position: SourcePosition
}

/// Metadata under construction: a key may be said several times, its values are joined by newlines.
struct TransactionDetails: Sendable {
    private var said: [MetadataPair] = []

    /// Adds a value; an empty text counts, as a tag without a value does.
    mutating func add(_ key: String, _ text: String) {
        said.append(MetadataPair(key: key, value: text))
    }

    /// Adds a value unless it is empty.
    mutating func addText(_ key: String, _ text: String?) {
        if let text, !text.isEmpty { add(key, text) }
    }

    /// Adds remarks below a prefix.
    mutating func add(_ annotations: [Annotation], below prefix: String) {
        for annotation in annotations {
            switch annotation {
            case .note(let text): add("\(prefix)note", text)
            case .tag(let name): add("\(prefix)tag/\(name)", "")
            case .value(let key, let text): add("\(prefix)meta/\(key)", text)
            }
        }
    }

    /// The pairs in the order of their keys, each key once.
    var pairs: [MetadataPair] {
        let order = said.indices.sorted { (said[$0].key, $0) < (said[$1].key, $1) }
        var pairs: [MetadataPair] = []
        for index in order {
            if let last = pairs.last, last.key == said[index].key {
                let joined = last.value + "\n" + said[index].value
                pairs[pairs.count - 1] = MetadataPair(key: last.key, value: joined)
            } else {
                pairs.append(said[index])
            }
        }
        return pairs
    }
}

/// One key and its value.
package struct MetadataPair: Hashable, Sendable {
    /// The key, below `import/`.
    package let key: String
    /// The value; empty for a tag without one.
    package let value: String

    /// Makes a pair.
    package init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}
