// SPDX-License-Identifier: Apache-2.0
//
// The transcript of the v2 API against a real server, by the runner that comes with it. Its failing
// steps must be those of Tests/Vectors/transcript-not-built.txt, name by name: the list of steps
// not yet built, which may only shrink. UPDATE=1 writes it anew. May import Foundation.

import Foundation
import TestSupport
import Testing

private let listPath = "transcript-not-built.txt"

/// A run of the transcript.
private struct TranscriptRun {
    /// `scenario/step` of every step that failed, in the transcript's order.
    var failed: [String] = []
    /// Why, by the same name.
    var reasons: [String: String] = [:]
    /// `scenario/step` of every step that ran.
    var ran: [String] = []

    /// Replays the transcript, or some of its scenarios, below a prefix.
    init(prefix: String, only scenarios: [String] = []) async throws {
        let folder = try TemporaryDirectory("transcript")
        let server = try await ServerUnderTest(folder.file("ledger").path)
        let outcome = try await TallyProcess.run(
            [
                "python3", try SharedData.url(for: "tools/run_transcript.py").path,
                try SharedData.url(for: TranscriptRun.path).path, "--url", server.url,
                "--prefix", prefix, "--only", scenarios.joined(separator: ","), "-v",
            ],
            program: "/usr/bin/env"
        )
        try await server.stop()
        let verified = try await TallyProcess.run(["verify", folder.file("ledger").path])
        #expect(verified.status == 0, "after the transcript: \(verified.output)")
        try read(outcome)
    }

    private static let path = "conformance/accounts/transcript.jsonl"

    private struct Step: Decodable {
        let scenario: String
        let name: String
    }

    /// Names by line; a step's name may hold anything, so the runner's own words are not parsed.
    private static func labels() throws -> [Int: String] {
        let lines = String(decoding: try SharedData.bytes(of: path), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        var labels: [Int: String] = [:]
        for (number, line) in lines.enumerated() where !line.isEmpty {
            let step = try JSONDecoder().decode(Step.self, from: Data(line.utf8))
            labels[number + 1] = "\(step.scenario)/\(step.name)"
        }
        return labels
    }

    private mutating func read(_ outcome: ProcessOutcome) throws {
        let labels = try TranscriptRun.labels()
        for line in outcome.output.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, words[1] == "line", let number = Int(words[2]),
                let label = labels[number]
            else { continue }
            ran.append(label)
            guard words[0] == "FAIL" else { continue }
            failed.append(label)
            reasons[label] = String(line)
        }
        let last = "\(ran.count - failed.count) passed, \(failed.count) failed"
        guard outcome.output.split(separator: "\n").last.map(String.init) == last else {
            throw ProcessTrouble("the runner ended with \(outcome.status): \(outcome.errors)")
        }
    }
}

@Suite("transcript of the v2 API", .needsSharedData)
struct TranscriptTests {
    private static func list() throws -> [String] {
        try Vectors.text(of: listPath).split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("#") }
    }

    private static func write(_ run: TranscriptRun) throws {
        let head = """
            # Steps of the v2 transcript that are not built yet, `scenario/step`, in its order.
            # A step that passes is removed; one may be added only with a reason in its review.

            """
        let text = head + run.failed.map { $0 + "\n" }.joined()
        try Data(text.utf8).write(to: Vectors.url(for: listPath))
    }

    private static func compare(_ run: TranscriptRun, with list: [String]) {
        #expect(Set(list).count == list.count, "a step is listed twice")
        let listed = Set(list)
        for label in run.failed where !listed.contains(label) {
            Issue.record("not listed, and fails: \(run.reasons[label] ?? label)")
        }
        let failed = Set(run.failed)
        let ran = Set(run.ran)
        for label in list where ran.contains(label) && !failed.contains(label) {
            Issue.record("passes, remove it from Tests/Vectors/\(listPath): \(label)")
        }
    }

    @Test("the failing steps are those not yet built")
    func everything() async throws {
        let run = try await TranscriptRun(prefix: "")
        #expect(run.ran.count == 417)
        if Vectors.isUpdating { try TranscriptTests.write(run) }
        let list = try TranscriptTests.list()
        let unknown = Set(list).subtracting(run.ran).sorted()
        #expect(unknown == [], "no steps of the transcript")
        TranscriptTests.compare(run, with: list)
        print("transcript: \(run.ran.count - run.failed.count) of \(run.ran.count) steps pass")
    }

    @Test("the same below /api/ledger")
    func prefixed() async throws {
        let run = try await TranscriptRun(
            prefix: "/api/ledger",
            only: ["create", "revert", "metadata", "bigint"]
        )
        #expect(run.ran.count == 87)
        TranscriptTests.compare(run, with: try TranscriptTests.list())
    }
}
