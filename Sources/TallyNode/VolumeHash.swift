// SPDX-License-Identifier: Apache-2.0
//
// A hash of what a run left: all volumes, without ids and times, so that equal workloads give equal
// hashes. Called by `tally bench` on the directory of a stopped node.

import TallyCodec
import TallyProof
import TallyStore
package import TallyTypes

/// The hash of all volumes of a data directory.
package enum VolumeHash {
    /// Reads the state store of a stopped node.
    ///
    /// - Throws: ``StoreFault`` or ``Malformed``.
    package static func of(_ path: String) throws -> Digest {
        let directory = try DataDirectory(disk: RealDisk(), path: path, mode: .open)
        let store = try RocksStateStore(path: directory.state)
        var bytes: [UInt8] = []
        do {
            let prefix: [UInt8] = [FormatRegistry.stateKey, StateKeyKind.volume.rawValue]
            let cursor = try store.snapshot().cursor(from: prefix)
            while let row = try cursor.next(), row.key.starts(with: prefix) {
                bytes += row.key.dropFirst(18) + row.value
            }
        }
        try store.close()
        return Hashing.sha256(bytes)
    }
}
