// SPDX-License-Identifier: Apache-2.0
//
// A folder of a test's own below the system's folder for temporary files, removed with the value.
// Called by tests only.

package import Foundation

/// A new, empty folder that is removed when the last reference to it goes.
package final class TemporaryDirectory: Sendable {
    /// The folder.
    package let url: URL

    /// The folder's path.
    package var path: String { url.path }

    /// Makes the folder; `label` is part of its name.
    package init(_ label: String = "test") throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("tallystick-\(label)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    /// Returns the place of a file or folder inside, whether or not it is there.
    package func file(_ name: String) -> URL { url.appendingPathComponent(name) }

    deinit {
        removeKeys()
        do {
            try FileManager.default.removeItem(at: url)
        } catch CocoaError.fileNoSuchFile {
            return  // the test removed it itself
        } catch {
            let line = "temporary folder \(url.path) stays: \(error)\n"
            FileHandle.standardError.write(Data(line.utf8))
        }
    }

    /// A node that has its data right here keeps its key beside.
    private func removeKeys() {
        let keys = url.path + ".keys"
        guard FileManager.default.fileExists(atPath: keys) else { return }
        do {
            try FileManager.default.removeItem(atPath: keys)
        } catch {
            FileHandle.standardError.write(Data("\(keys) stays: \(error)\n".utf8))
        }
    }
}
