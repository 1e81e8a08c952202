// SPDX-License-Identifier: Apache-2.0
//
// The self-check of a running node: green over clean files, red and named for what has rotted on
// the disk meanwhile, off at rate 0. Called by `swift test`.

import Foundation
import TallyChecker
import TallyHTTP
import TallyNode
import TallyTypes
import TestSupport
import Testing

@Suite("self-check of a running node", .serialized)
struct ScrubberTests {
    private static let unlimited = ScrubRules(
        bytesPerSecond: Int(Int32.max),
        pause: .milliseconds(1)
    )

    private static func start(_ path: String, _ rules: ScrubRules = unlimited) async throws -> Node
    {
        let configuration = NodeConfiguration(
            directory: path,
            origin: "test/scrub",
            scrub: rules
        )
        return try await Node.start(configuration) { fault in
            Issue.record("the node failed: \(fault)")
        }
    }

    /// A stopped ledger of 603 records, of which record 2 has a blob.
    private static func make(_ path: String) async throws {
        let node = try await start(path, .off)
        let postings = (0..<3_000).map { posting("world", "shop:customer:\($0)", 5) }
        let wide = Request(
            book: Book.money,
            order: .createTransaction(CreateTransaction(postings: postings))
        )
        _ = try await node.port.submit(.groups([[.make(Book.money)], [wide]]))
        _ = try await node.port.submit(
            .groups((0..<600).map { [.pay("world", "account:\($0)", 1)] })
        )
        try await node.stop()
    }

    private func rounds(_ node: Node, more count: UInt64) async throws {
        let wanted = node.scrubber.progress.rounds + count
        try await waitUntil("round \(wanted) of the self-check") {
            let progress = node.scrubber.progress
            return progress.rounds >= wanted || progress.fault != nil
        }
    }

    @Test("a clean node stays green while it writes, and counts rounds and bytes")
    func clean() async throws {
        let folder = try TemporaryDirectory("scrub")
        let path = folder.file("ledger").path
        try await ScrubberTests.make(path)
        let node = try await ScrubberTests.start(path)
        for amount in 1...3 as ClosedRange<UInt128> {
            _ = try await node.port.submit(.one(.pay("world", "alice", amount)))
            try await rounds(node, more: 1)
        }
        let progress = node.scrubber.progress
        #expect(progress.rounds >= 3 && progress.fault == nil)
        #expect(progress.bytes > 3 * 600 * 100 && progress.lastRound > .zero)
        #expect(await node.port.notReady() == nil)
        let metrics = await node.port.metrics()
        #expect(metrics.contains("\ntally_scrub_faults 0\n"))
        #expect(!metrics.contains("\ntally_scrub_rounds_total 0\n"))
        #expect(metrics.contains("\ntally_scrub_bytes_total "))
        #expect(metrics.contains("\ntally_scrub_last_round_milliseconds "))
        try await node.stop()
        let stopped = node.scrubber.progress.rounds
        #expect(stopped >= 3, "and the check has ended with the node")
        #expect(Verification.run(path).exitCode == 0)
    }

    /// What happens to the files of a running node, and how it is named.
    enum Rot: CaseIterable {
        case record, leaf, level, blob, blobGone, offset

        /// Damages the files; returns the file's name and the record that the fault must name.
        func damage(_ records: String) throws -> (subject: String, record: String) {
            let blobs = records + "/blobs"
            let blob = try #require(
                try FileManager.default.contentsOfDirectory(atPath: blobs).first
            )
            switch self {
            case .record:
                try flip(records + "/entries", 40)
                return ("/entries, offset 0", "record 0: expected the leaf hash ")
            case .leaf:
                try flip(records + "/tiles/0", 300 * 32 + 5)
                return ("/tiles/0, offset 9600", "record 300: expected ")
            case .level:
                try flip(records + "/tiles/1", 40)
                return ("/tiles/1, offset 32", "record 256: expected ")
            case .blob:
                try flip(blobs + "/" + blob, 70_000)
                return ("/blobs/\(blob), offset 0", "with the SHA-256 \(blob), found ")
            case .blobGone:
                try FileManager.default.removeItem(atPath: blobs + "/" + blob)
                return ("/blobs/\(blob), offset 0", "record 2: expected ")
            case .offset:
                try flip(records + "/offsets", 9)
                return ("/offsets, offset 8", "record 256: expected ")
            }
        }
    }

    @Test(
        "what has rotted turns readiness red by its name, and it stays red",
        arguments: Rot.allCases
    )
    func rotted(_ rot: Rot) async throws {
        let folder = try TemporaryDirectory("scrub")
        let path = folder.file("ledger").path
        try await ScrubberTests.make(path)
        let node = try await ScrubberTests.start(path)
        try await rounds(node, more: 2)
        #expect(await node.port.notReady() == nil, "green before")
        let (subject, record) = try rot.damage(path + "/records")
        try await waitUntil("the self-check has found it") { node.scrubber.progress.fault != nil }
        let reason = try #require(await node.port.notReady())
        #expect(reason.hasPrefix("self-check: \(path)/records"), "\(reason)")
        #expect(reason.contains(subject) && reason.contains(record), "\(reason)")
        #expect(reason.contains(", found ") && reason.contains("tally verify"), "\(reason)")
        #expect(await node.port.metrics().contains("\ntally_scrub_faults 1\n"))
        _ = try await node.port.submit(.one(.pay("world", "alice", 1)))
        #expect(await node.port.notReady() == reason, "writes go on, and it stays red")
        try await node.stop()
    }

    @Test("at rate 0 there are no rounds, and what has rotted is not seen")
    func off() async throws {
        let folder = try TemporaryDirectory("scrub")
        let path = folder.file("ledger").path
        try await ScrubberTests.make(path)
        let node = try await ScrubberTests.start(path, ScrubRules(bytesPerSecond: 0))
        await node.scrubber.run()
        #expect(node.scrubber.progress.rounds == 0 && node.scrubber.progress.bytes == 0)
        #expect(await node.port.notReady() == nil)
        try await node.stop()
    }

    @Test("a piece and the rest after it keep the rate")
    func rate() {
        for (rate, bytes, milliseconds) in [
            (4 << 20, 1 << 18, 62), (1_000, 4_096, 4_096), (1, 4_096, 4_096_000),
        ] {
            let rules = ScrubRules(bytesPerSecond: rate)
            #expect(rules.pieceBytes == bytes)
            #expect(rules.rest(after: bytes) / .milliseconds(1) >= Double(milliseconds))
            #expect(rules.rest(after: bytes) / .milliseconds(1) < Double(milliseconds + 1))
        }
    }
}

private func flip(_ path: String, _ offset: UInt64) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: offset)
    let byte = try #require(try file.read(upToCount: 1)?.first)
    try file.seek(toOffset: offset)
    try file.write(contentsOf: Data([byte ^ 8]))
    try file.close()
}
