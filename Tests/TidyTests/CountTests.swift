// SPDX-License-Identifier: Apache-2.0
//
// The canary of the gate that counts: scripts/count-tests on fabricated event streams. Each way in
// which a run can be worth nothing must fail it.

import Foundation
import TestSupport
import Testing

@Suite("Counting")
struct CountTests {
    @Test("a whole run passes, and the last line is the counts")
    func wholeRun() throws {
        let stream = Stream().function("a").ended("a", "pass").function("b").ended("b", "pass")
        let run = try count(stream.closed, required: "ATests 2\nATests.S 2 debug\n")
        #expect(run.status == 0)
        #expect(run.lines.last == "2 passed, 0 failed")
    }

    @Test("missing outside data is named, and counts towards what is required")
    func outsideData() throws {
        let stream = Stream().function("a").ended("a", "pass")
            .function("b").skipped("b", "needs ../shared")
        let run = try count(stream.closed, required: "ATests 2\n")
        #expect(run.status == 0)
        #expect(run.lines.contains("not run: ATests.S/b() (needs ../shared)"))
        #expect(run.lines.last == "1 passed, 0 failed")
        #expect(try count(stream.closed, options: ["--no-skips"]).status == 1)
    }

    @Test("release is required only where it was asked for, and then it is")
    func configurations() throws {
        let stream = Stream().function("a").ended("a", "pass").closed
        #expect(try count(stream, named: "release-x", required: "ATests 2\n").status == 0)
        #expect(
            try count(stream, named: "release-x", required: "ATests 2 debug,release\n").status == 1
        )
    }

    @Test("a run that proves nothing fails", arguments: Worthless.all)
    func worthless(sample: Worthless) throws {
        let run = try count(sample.stream, required: sample.required)
        #expect(run.status == 1)
        #expect(run.lines.contains { $0.contains(sample.complaint) }, "\(run.lines)")
    }

    private func count(
        _ stream: String,
        named name: String = "debug-x",
        required: String = "",
        options: [String] = []
    ) throws -> (status: Int32, lines: [String]) {
        let folder = try TemporaryDirectory("count")
        try Data(stream.utf8).write(to: folder.file("\(name).jsonl"))
        try Data(required.utf8).write(to: folder.file("required.txt"))
        let script = Process()
        script.executableURL = PackageRoot.url.appendingPathComponent("scripts/count-tests")
        script.arguments =
            options + [
                "--required", folder.file("required.txt").path, folder.file("\(name).jsonl").path,
            ]
        let output = Pipe()
        script.standardOutput = output
        try script.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        script.waitUntilExit()
        return (script.terminationStatus, text.split(separator: "\n").map(String.init))
    }
}

/// A run that must not pass.
struct Worthless: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let stream: String
    var required = ""
    let complaint: String

    private static let whole = Stream().function("a").ended("a", "pass")

    static let all: [Worthless] = [
        Worthless(
            testDescription: "too few tests",
            stream: whole.closed,
            required: "ATests 2\n",
            complaint: "ATests ran 1 tests, 2 are required"
        ),
        Worthless(
            testDescription: "a target that is gone",
            stream: whole.closed,
            required: "ATests 1\nBTests 1\n",
            complaint: "BTests ran 0 tests, 1 are required"
        ),
        Worthless(
            testDescription: "a name that only starts alike",
            stream: whole.closed,
            required: "ATest 1\n",
            complaint: "ATest ran 0 tests"
        ),
        Worthless(
            testDescription: "a skip",
            stream: whole.function("b").skipped("b", "not today").closed,
            complaint: "not today"
        ),
        Worthless(
            testDescription: "a failure",
            stream: whole.function("b").ended("b", "fail").closed,
            complaint: "failed: ATests.S/b()"
        ),
        Worthless(
            testDescription: "a known issue",
            stream: whole.function("b").ended("b", "passWithKnownIssue").closed,
            complaint: "known issue in ATests.S/b()"
        ),
        Worthless(
            testDescription: "a parameterised test without a case",
            stream: whole.function("b", cases: 0).ended("b", "pass").closed,
            complaint: "no case ran of ATests.S/b()"
        ),
        Worthless(
            testDescription: "a crash",
            stream: whole.function("b").started("b").text,
            complaint: "did not finish: ATests.S/b()"
        ),
        Worthless(
            testDescription: "a run that failed outside its tests",
            stream: whole.text + Stream.end("fail"),
            complaint: "the run failed"
        ),
        Worthless(testDescription: "no test", stream: Stream().closed, complaint: "no test ran"),
        Worthless(testDescription: "no event", stream: "", complaint: "did not start"),
    ]
}

/// Writes events in the form of Swift Testing 6.3.
struct Stream: Sendable {
    var text = ""

    var closed: String { text + Self.end("pass") }

    static func end(_ symbol: String) -> String { event("runEnded", symbol, "Test run ended.", "") }

    func function(_ name: String, cases: Int? = nil) -> Stream {
        let id = Self.identifier(name)
        let head = #"{"kind":"test","payload":{"displayName":"say \"id\":\"x\"","id":"\#(id)","#
        let isMany = cases != nil
        let tail = #""isParameterized":\#(isMany),"kind":"function","name":"\#(name)()"}}"#
        let each = Self.event("testCaseStarted", "default", "", id)
        return adding(head + tail + "\n" + String(repeating: each, count: cases ?? 0))
    }

    func started(_ name: String) -> Stream {
        adding(Self.event("testStarted", "default", "Test started.", Self.identifier(name)))
    }

    func ended(_ name: String, _ symbol: String) -> Stream {
        started(name)
            .adding(Self.event("testEnded", symbol, "Test ended.", Self.identifier(name)))
    }

    func skipped(_ name: String, _ reason: String) -> Stream {
        let escaped = reason.replacingOccurrences(of: "/", with: #"\/"#)
        let text = #"Test \#(name)() skipped: \"\#(escaped)\""#
        return adding(Self.event("testSkipped", "skip", text, Self.identifier(name)))
    }

    private func adding(_ more: String) -> Stream { Stream(text: text + more) }

    private static func identifier(_ name: String) -> String {
        #"ATests.S\/\#(name)()\/T.swift:1:2"#
    }

    private static func event(
        _ kind: String,
        _ symbol: String,
        _ text: String,
        _ id: String
    ) -> String {
        let messages = #""messages":[{"symbol":"\#(symbol)","text":"\#(text)"}]"#
        let payload =
            #"{"instant":{"absolute":1.5},"kind":"\#(kind)",\#(messages),"testID":"\#(id)"}"#
        return #"{"kind":"event","payload":\#(payload),"version":"6.3.0"}"# + "\n"
    }
}
