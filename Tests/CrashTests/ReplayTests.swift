// SPDX-License-Identifier: Apache-2.0
//
// Two processes with other locale, time zone and number of threads replay the same log to the same
// bytes: two copies of a killed data directory, each started and stopped in another environment.

import Foundation
import TallyNode
import TallyStore
import TestSupport
import Testing

/// An environment that must not matter.
private struct Surroundings {
    let wrapper: [String]
    let variables: [String: String]

    static let one = Surroundings(
        wrapper: ["/usr/bin/taskset", "-c", "0"],
        variables: [
            "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu",
            "LIBDISPATCH_COOPERATIVE_POOL_STRICT": "1",
        ]
    )
    static let other = Surroundings(
        wrapper: [],
        variables: ["LC_ALL": "C", "LANG": "de_CH.UTF-8", "TZ": "America/St_Johns"]
    )
}

@Suite("replay elsewhere")
struct ReplayTests {
    @Test("other locale, time zone and threads: the same bytes")
    func sameBytes() async throws {
        let folder = try TemporaryDirectory("replay")
        let killed = folder.file("killed").path
        try await SmallLedger.make(killed, isKilled: true)
        var results: [Replayed] = []
        for surroundings in [Surroundings.one, .other] {
            let copy = folder.file("copy").path
            try FileManager.default.copyItem(atPath: killed, toPath: copy)
            let server = try await ServerUnderTest(
                copy,
                wrapper: surroundings.wrapper,
                environment: surroundings.variables
            )
            try await server.stop()
            let verified = try await TallyProcess.run(
                ["verify", copy],
                program: nil,
                environment: surroundings.variables
            )
            #expect(verified.status == 0, "\(verified.output)")
            results.append(try Replayed(copy, verdict: verified.output))
            try FileManager.default.removeItem(atPath: copy)
        }
        #expect(results[0].verdict == results[1].verdict)
        #expect(results[0].files.keys.sorted() == results[1].files.keys.sorted())
        for name in results[0].files.keys.sorted() {
            #expect(results[0].files[name] == results[1].files[name], "\(name) differs")
        }
        #expect(results[0].files.count >= 5)
        #expect(results[0].rows.count > 40)
        #expect(results[0].rows == results[1].rows, "a row of the state differs")
        #expect(results[0].marker == results[1].marker, "the marker differs")
    }
}

/// What a replay leaves behind.
private struct Replayed {
    /// What `tally verify` said: number of records and root.
    let verdict: String
    /// Records, cache image and head, by name.
    var files: [String: Data] = [:]
    let rows: [[UInt8]]
    let marker: FlushMarker?

    /// Opens the state store, which changes its files: the directory is a copy.
    init(_ directory: String, verdict: String) throws {
        self.verdict = verdict
        for folder in ["records", "records/positions", "records/blobs", "records/tiles", "image"] {
            let names = try FileManager.default.contentsOfDirectory(
                atPath: directory + "/" + folder
            )
            for name in names where !["positions", "blobs", "tiles"].contains(name) {
                let url = URL(fileURLWithPath: directory + "/\(folder)/\(name)")
                files["\(folder)/\(name)"] = try Data(contentsOf: url)
            }
        }
        files["head"] = try Data(contentsOf: URL(fileURLWithPath: directory + "/head"))
        let store = try RocksStateStore(path: directory + "/state")
        (rows, marker) = try Replayed.read(try store.snapshot())
        try store.close()
    }

    private static func read(
        _ snapshot: consuming any StateSnapshot
    ) throws -> ([[UInt8]], FlushMarker?) {
        var rows: [[UInt8]] = []
        let cursor = try snapshot.cursor(from: [])
        while let row = try cursor.next() { rows.append(row.key + [0] + row.value) }
        return (rows, snapshot.marker)
    }
}
