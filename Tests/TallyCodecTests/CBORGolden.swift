// SPDX-License-Identifier: Apache-2.0
//
// Golden files of this module: one line per value, written anew by UPDATE=1 and compared otherwise,
// so that a change of bytes is seen in review. Called by the record and state tests only.

import Foundation
import TallyCodec
import Testing
import TestSupport

/// One line of a golden file.
struct GoldenLine: Codable, Hashable, Sendable, CustomTestStringConvertible {
    /// What it is.
    let name: String
    /// The canonical bytes.
    let hex: String
    /// The bytes in diagnostic notation, or parts of a key; for people.
    let diag: String

    var testDescription: String { name }
}

/// Lists of golden lines by their names.
struct GoldenFile {
    private let path: String
    private var lists: [(name: String, lines: [GoldenLine])] = []

    init(_ path: String) {
        self.path = path
    }

    mutating func list(_ name: String, _ lines: [GoldenLine]) {
        lists.append((name, lines))
    }

    /// Writes the file when UPDATE=1, then requires that it holds exactly these lists.
    func check() throws {
        let text = try rendered()
        if Vectors.isUpdating {
            try Data(text.utf8).write(to: Vectors.url(for: path))
        }
        let stored = try Vectors.text(of: path)
        let difference = zip(stored.split(separator: "\n"), text.split(separator: "\n"))
            .first { $0 != $1 }
        #expect(
            stored == text,
            """
            \(path) holds other bytes than the code writes. If that is wanted, it is a new format
            number; else run with UPDATE=1. First difference: \(String(describing: difference))
            """
        )
    }

    private func rendered() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let parts = try lists.map { list in
            let lines = try list.lines.map {
                String(decoding: try encoder.encode($0), as: UTF8.self)
            }
            return "\"\(list.name)\": [\n" + lines.joined(separator: ",\n") + "\n]"
        }
        return "{\n\"format\": 1,\n" + parts.joined(separator: ",\n") + "\n}\n"
    }
}
