// SPDX-License-Identifier: Apache-2.0
//
// The second opinion on a stopped node: the checker's dictionaries, fed with the record files,
// against the rows of the state store. Called by the tests of the sequencer.

import TallyChecker
import TallyCodec
import TallyNode
import TallyStore
import TallyTypes
import Testing

extension LiveNode {
    /// Replays the records without the kernel, and compares outcomes, chains, root and every row.
    func expectVerified(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let head = await sequencer.currentHead()
        let marker = try #require(try marker())
        var checker = Checker(
            heads: [TreeHead(size: head.size, root: head.root, source: "the node")])
        for (position, record) in try records().enumerated() {
            try checker.feed(record, offset: UInt64(position)) { reference throws(StoreFault) in
                try files.blobs.bytes(of: reference)
            }
        }
        var rows = try rows()[...]
        try checker.compareRows(try StateCodec.decodeScalars(marker.scalars)) {
            () throws(StoreFault) in
            rows.popFirst().map { StoredRow(key: $0.key, value: $0.value) }
        }
        let report = checker.report()
        #expect(
            report.exitCode == 0,
            "\(report.lines.joined(separator: "\n"))",
            sourceLocation: sourceLocation
        )
        #expect(report.records == head.size, sourceLocation: sourceLocation)
    }
}
