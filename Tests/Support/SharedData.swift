// SPDX-License-Identifier: Apache-2.0
//
// Test data that is not part of this repository: journals and specifications that are under
// licences of their own. A suite that needs them takes the trait `.needsSharedData`: without the
// data it is named and counted as not run, and in CI it fails. Called by tests only.

package import Foundation
package import Testing

/// The folder of outside test data, named by TALLY_SHARED or lying beside the package as
/// `../shared`.
package enum SharedData {
    /// The folder itself, whether or not it is there.
    package static let root: URL = {
        if let path = ProcessInfo.processInfo.environment["TALLY_SHARED"] {
            return URL(fileURLWithPath: path).resolvingSymlinksInPath()
        }
        return PackageRoot.url.deletingLastPathComponent().appendingPathComponent("shared")
    }()

    /// True when the folder is there.
    package static var isPresent: Bool { FileManager.default.fileExists(atPath: root.path) }

    /// True in CI, where a suite without its data fails instead of being skipped.
    package static var isRequired: Bool {
        ProcessInfo.processInfo.environment["CI"] == "true"
    }

    /// Returns the place of one file or folder below the root.
    ///
    /// - Throws: ``SharedDataMissing`` when it is not there.
    package static func url(for path: String) throws(SharedDataMissing) -> URL {
        let url = root.appendingPathComponent(path)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw SharedDataMissing(path: url.path)
        }
        return url
    }

    /// Returns the bytes of one file below the root.
    ///
    /// - Throws: ``SharedDataMissing`` when it is not there, or what reading it threw.
    package static func bytes(of path: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: url(for: path)))
    }
}

/// Outside test data that a suite asked for and that is not there.
package struct SharedDataMissing: Error, CustomStringConvertible {
    /// The full path that was looked for.
    package let path: String

    /// One line with the next step.
    package var description: String {
        "\(path) is missing: set TALLY_SHARED to the folder of outside test data"
    }
}

extension Trait where Self == ConditionTrait {
    /// Runs the suite or test only where the outside data is; in CI always, so that it fails.
    package static var needsSharedData: Self {
        .enabled(if: SharedData.isPresent || SharedData.isRequired, "needs ../shared")
    }
}
