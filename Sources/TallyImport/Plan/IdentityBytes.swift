// SPDX-License-Identifier: Apache-2.0
//
// The identity of an imported transaction. Pure; called by ImportStream; a key derived from it
// makes a second import of the same journal change nothing. Layout, all parts in this order:
//
//     part       form                      bytes
//     tag        "tally.import.1"          14
//     ordinal    big-endian                8
//     date       text "2003-12-01"         4 + n
//     payee      text                      4 + n
//     narration  text                      4 + n
//     code       text                      4 + n
//     count      big-endian                4
//     then for each posting of the journal:
//     group      0 balanced, 1 virtual     1
//     account    text, the journal's name  4 + n
//     commodity  text, the journal's name  4 + n
//     quantity   text, shortest decimal    4 + n
//
// A text is its length in bytes, big-endian in 4 bytes, then UTF-8. The ordinal counts equal
// transactions of one import from 0, so that two equal ones both count. Neither the file's path,
// nor the line, nor assets, addresses, scales, notes and tags are part of it: a journal may move
// and grow. If a note of a known transaction changes, or an asset's scale, the key stays and the
// content differs, which the ledger refuses by name instead of booking twice.
//
// Example: ordinal 0, 2003-12-01, payee "a", one posting A 1 of "$" starts
//     74616c6c792e696d706f72742e31 0000000000000000 0000000a323030332d31322d3031 0000000161 …

/// Builds identity bytes and counts equal transactions.
struct IdentityBytes: Sendable {
    /// Equal transactions so far, by the hash of their bytes; a clash only moves an ordinal.
    private var seen: [UInt64: UInt64] = [:]

    /// Returns the bytes of the next transaction.
    mutating func next(_ transaction: BookedTransaction) -> [UInt8] {
        let content = IdentityBytes.content(of: transaction)
        let hash = StableHash.of(content)
        let ordinal = seen[hash, default: 0]
        seen[hash] = ordinal + 1
        var bytes = Array("tally.import.1".utf8)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: ordinal >> UInt64(shift)))
        }
        return bytes + content
    }

    private static func content(of transaction: BookedTransaction) -> [UInt8] {
        var bytes: [UInt8] = []
        append(transaction.date.description, to: &bytes)
        append(transaction.payee, to: &bytes)
        append(transaction.narration, to: &bytes)
        append(transaction.code, to: &bytes)
        append(count: transaction.postings.count, to: &bytes)
        for posting in transaction.postings {
            bytes.append(posting.group == .balanced ? 0 : 1)
            append(posting.account, to: &bytes)
            append(posting.commodity, to: &bytes)
            append(posting.quantity.description, to: &bytes)
        }
        return bytes
    }

    private static func append(count: Int, to bytes: inout [UInt8]) {
        let word = UInt32(truncatingIfNeeded: count)
        for shift in stride(from: 24, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift)))
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(count: text.utf8.count, to: &bytes)
        bytes += text.utf8
    }
}
