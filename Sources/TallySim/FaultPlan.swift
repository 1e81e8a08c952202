// SPDX-License-Identifier: Apache-2.0
//
// What shall go wrong on a simulated disk, and what is left after its power is gone. Imports
// TallyTypes. Used with FaultDisk by tests and simulations.

package import TallyTypes

/// At which operation the power goes.
package enum CrashPoint: Hashable, Sendable {
    /// The n-th operation of any kind, from 1.
    case operation(Int)
    /// The n-th operation that changes bytes, sizes or names, or makes them durable.
    case change(Int)
    /// The n-th write.
    case write(Int)
    /// The n-th sync of a file or folder.
    case sync(Int)
}

/// What shall go wrong.
package struct FaultPlan: Sendable {
    /// The power goes in the middle of this operation.
    package var crash: CrashPoint?
    /// The n-th change, from 1, fails with this code and is not done; for a sync, `syncFailed`.
    package var failures: [Int: DiskFault.Code]
    /// The n-th read, from 1, fails as a device does.
    package var failingRead: Int?
    /// The most bytes that all files together may take.
    package var capacity: ByteCount?
    /// How long each sync takes on the clock.
    package var syncMicroseconds: UInt64

    /// Makes a plan; without arguments nothing goes wrong.
    package init(
        crash: CrashPoint? = nil,
        failures: [Int: DiskFault.Code] = [:],
        failingRead: Int? = nil,
        capacity: ByteCount? = nil,
        syncMicroseconds: UInt64 = 0
    ) {
        self.crash = crash
        self.failures = failures
        self.failingRead = failingRead
        self.capacity = capacity
        self.syncMicroseconds = syncMicroseconds
    }
}

/// What is found of the changes that were not durable when the power went.
package enum CrashLoss: Hashable, Sendable {
    /// Every change: as after the end of a process.
    case nothing
    /// None of the changes.
    case everything
    /// Change i, in the order they were made, exactly if bit i of the mask is set.
    case keeping(mask: UInt64)
    /// Each change, or not, as the seed has it; each sector of 512 bytes as it was after any of the
    /// writes to it, since a disk writes a sector as it then is.
    case random(seed: UInt64)
}

/// How often a simulated disk was asked.
package struct DiskCounts: Hashable, Sendable {
    /// Operations of any kind.
    package var operations = 0
    /// Operations that change something or make it durable.
    package var changes = 0
    /// Writes.
    package var writes = 0
    /// Syncs of files and folders.
    package var syncs = 0
    /// Reads.
    package var reads = 0
    /// Bytes written.
    package var bytesWritten = 0
}
