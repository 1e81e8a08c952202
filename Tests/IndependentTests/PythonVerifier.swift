// SPDX-License-Identifier: Apache-2.0
//
// The second verifier, Tests/Independent/tallyverify, as a process that answers a line for a line.
// It needs Debian's python3 and python3-cryptography, which scripts/install-needs brings; without
// these the tests fail. Called by the tests of this folder only.

import Foundation
import TestSupport

/// What the second verifier says of a directory or a receipt.
struct PythonVerdict: Decodable {
    struct Finding: Decodable {
        let name: String
        let file: String?
        let record: UInt64?
        let detail: String
    }

    let exit: Int32
    let size: UInt64?
    let root: String?
    let findings: [Finding]
    let unchecked: [String]

    private enum CodingKeys: String, CodingKey {
        case exit, size, root, findings, unchecked
        case stateDigest = "state_digest"
    }

    let stateDigest: String?
}

/// A running second verifier.
final class PythonVerifier {
    private let process = Process()
    private let requests = Pipe()
    private let answers = Pipe()
    private var waiting = Data()

    init() throws {
        let folder = PackageRoot.url.appendingPathComponent("Tests/Independent")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-B", "-m", "tallyverify", "--serve"]
        process.currentDirectoryURL = folder
        process.standardInput = requests
        process.standardOutput = answers
        do {
            try process.run()
        } catch {
            throw ProcessTrouble("no /usr/bin/python3, run scripts/install-needs: \(error)")
        }
    }

    deinit {
        process.terminate()
    }

    /// Asks for the verdict on a path.
    func verify(_ path: String, key: String? = nil) throws -> PythonVerdict {
        var request = ["path": path]
        request["key"] = key
        let line = try JSONEncoder().encode(request) + Data([0x0A])
        try requests.fileHandleForWriting.write(contentsOf: line)
        while !waiting.contains(0x0A) {
            let more = answers.fileHandleForReading.availableData
            guard !more.isEmpty else {
                throw ProcessTrouble(
                    "the second verifier ended; is python3-cryptography installed? "
                        + "run scripts/install-needs"
                )
            }
            waiting += more
        }
        let end = waiting.firstIndex(of: 0x0A) ?? waiting.endIndex
        let answer = waiting[..<end]
        waiting = Data(waiting[end...].dropFirst())
        return try JSONDecoder().decode(PythonVerdict.self, from: answer)
    }
}
