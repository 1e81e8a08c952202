// SPDX-License-Identifier: Apache-2.0
//
// Where this package lies on disk, for tests that read its files. Every test target may import it;
// nothing under Sources may.

package import Foundation

/// The root folder of this package.
package enum PackageRoot {
    /// The folder that holds Package.swift, with symbolic links resolved.
    package static let url = URL(fileURLWithPath: #filePath)
        .resolvingSymlinksInPath()
        .deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent()
}
