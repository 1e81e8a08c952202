// SPDX-License-Identifier: Apache-2.0
//
// Exit codes, lines and JSON of a report.

import TallyChecker
import TallyCodec
import TallyTypes
import Testing

@Suite("Checker: reports")
struct ReportTests {
    private static let finding = Finding(
        .chainPrevious,
        "a \"detail\"",
        book: BookID(0, 1),
        index: RecordIndex(7),
        offset: 93,
        row: "r",
        file: "f"
    )

    private func report(_ verdicts: [Verdict]) -> Report {
        Report(
            records: 8,
            root: .zero,
            checks: verdicts.map { Check(name: "c", verdict: $0) },
            others: [ReportTests.finding],
            notes: ["n"]
        )
    }

    @Test("refuted outweighs unchecked, unchecked outweighs ok")
    func exitCodes() {
        let (bad, open) = (Verdict.refuted(ReportTests.finding), Verdict.unchecked("keys"))
        #expect(report([.ok]).exitCode == 0)
        #expect(report([.ok, open]).exitCode == 2)
        #expect(report([open, bad, .ok]).exitCode == 1)
        var grown = report([.ok])
        grown.add(Check(name: "views", verdict: open))
        #expect(grown.exitCode == 2)
        #expect(report([open, bad]).firstFinding == ReportTests.finding)
    }

    @Test("lines name reason and place")
    func lines() {
        let place = "record 7, book 00000000000000000000000000000001, byte 93, row r, file f"
        let line = "CHAIN_PREV at \(place): a \"detail\""
        #expect(ReportTests.finding.line == line)
        let root = Digest.zero.description
        #expect(
            report([.refuted(ReportTests.finding), .unchecked("keys")]).lines == [
                "refuted after reading 8 records, root \(root)", "c: \(line)",
                "c: not checked: keys", "also: \(line)", "note: n",
            ]
        )
        #expect(report([.ok]).lines.first == "verified 8 records, root \(root)")
        #expect(
            report([.unchecked("x")]).lines.first == "not verified: 8 records read, root \(root)"
        )
    }

    @Test("the JSON text is as documented")
    func json() {
        let finding = """
            {"reason":"CHAIN_PREV","detail":"a \\"detail\\"","index":7,\
            "book":"00000000000000000000000000000001","offset":93,"row":"r","file":"f"}
            """
        let text = """
            {"records":8,"root":"\(Digest.zero)","exit":1,"checks":[{"check":"c","verdict":"ok"},\
            {"check":"c","verdict":"refuted","finding":\(finding)},\
            {"check":"c","verdict":"unchecked","missing":"keys"}],\
            "others":[\(finding)],"notes":["n"]}
            """
        let made = report([.ok, .refuted(ReportTests.finding), .unchecked("keys")]).json
        #expect(String(decoding: made, as: UTF8.self) == text)
    }

    @Test("reasons have words of their own, which never change")
    func reasons() {
        #expect(
            Reason.allCases.map(\.rawValue) == [
                "RECORD_ENCODING", "BLOB_MISSING", "BLOB_HASH", "RECORD_SHAPE", "RECORD_INDEX",
                "RECORD_TIME", "LEAF_HASH", "CHAIN_SEQ", "CHAIN_PREV", "IDEMPOTENCY", "LEDGER",
                "BOOK", "GROUP", "OUTCOME",
                "MISSING", "ROOT", "PROJECTION", "STATE_DIGEST", "SEAL", "VIEW", "BUNDLE",
                "SURPLUS",
                "TILE_LENGTH", "TILE_HASH", "KEY_FORMAT", "NOTE_FORMAT", "SIGNATURE",
                "CHECKPOINT_FORMAT", "ORIGIN", "FORK", "ROLLBACK", "SPLIT_VIEW",
                "CONSISTENCY_PROOF", "COSIGNATURE", "STALE", "FILE",
            ]
        )
    }
}
