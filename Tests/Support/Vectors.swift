// SPDX-License-Identifier: Apache-2.0
//
// Golden files of this repository: Tests/Vectors and the fuzzers' corpora. Called by tests only.

package import Foundation

/// The committed golden files.
package enum Vectors {
    /// The folder Tests/Vectors.
    package static let root = PackageRoot.url.appendingPathComponent("Tests/Vectors")

    /// True when golden transcripts shall be written anew instead of compared (UPDATE=1).
    package static var isUpdating: Bool {
        ProcessInfo.processInfo.environment["UPDATE"] == "1"
    }

    /// Returns the place of one file, whether or not it is there.
    package static func url(for path: String) -> URL { root.appendingPathComponent(path) }

    /// Returns the bytes of one file.
    ///
    /// - Throws: What reading the file threw; a missing vector is a failing test.
    package static func bytes(of path: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: url(for: path)))
    }

    /// Returns the text of one file.
    ///
    /// - Throws: What reading the file threw, also when it is not UTF-8.
    package static func text(of path: String) throws -> String {
        try String(contentsOf: url(for: path), encoding: .utf8)
    }

    /// Returns the inputs of one fuzzer's corpus in the order of their names.
    ///
    /// - Throws: ``EmptyCorpus`` when there is none, or what reading threw.
    package static func corpus(of target: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = PackageRoot.url.appendingPathComponent("Tests/Fuzz/\(target)/corpus")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        guard !names.isEmpty else { throw EmptyCorpus(target: target) }
        return try names.map { name in
            (name, try [UInt8](Data(contentsOf: folder.appendingPathComponent(name))))
        }
    }
}

/// A fuzzer without a single committed input, whose replay would prove nothing.
package struct EmptyCorpus: Error {
    /// The fuzzer's name.
    package let target: String
}
