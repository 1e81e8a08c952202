// SPDX-License-Identifier: Apache-2.0
//
// A disk in memory that forgets what was not synced. Imports TallyTypes. Used by tests and
// simulations in the place of RealDisk; passes the same conformance kit.
//
// Model: a file has bytes that are durable and a list of changes that are not (writes, new sizes);
// a folder has names that are durable and changes of names that are not (made, renamed, removed). A
// file's sync makes its list durable, a folder's sync the changes of its names. After a crash any
// part of the lists may be found, and of a write any of its sectors (a sector as it was after any
// of the writes to it, in their order): `afterCrash`. A failed sync drops the file's list from the
// durable state for good, as an operating system may: reads still show the bytes, and no later sync
// brings them back.

internal import Synchronization
package import TallyTypes

/// A disk in memory with faults.
package final class FaultDisk: Disk {
    private let state: Mutex<FaultDiskState>
    private let clock: SeededClock?

    /// Makes an empty disk that has the folder `/`.
    ///
    /// - Parameters:
    ///   - plan: What shall go wrong.
    ///   - clock: Moved forward by slow syncs.
    package convenience init(plan: FaultPlan = FaultPlan(), clock: SeededClock? = nil) {
        self.init(state: FaultDiskState(plan: plan), clock: clock)
    }

    private init(state: FaultDiskState, clock: SeededClock?) {
        self.state = Mutex(state)
        self.clock = clock
    }

    /// How often this disk was asked since it was made.
    package var counts: DiskCounts { state.withLock { $0.counts } }

    /// True once the power has gone.
    package var hasCrashed: Bool { state.withLock { $0.hasCrashed } }

    /// The number of changes that are not durable now.
    package var pendingCount: Int { state.withLock { $0.pendingCount } }

    /// Replaces the plan; counting goes on.
    package func setPlan(_ plan: FaultPlan) {
        state.withLock { $0.plan = plan }
    }

    /// Takes the power away now.
    package func crash() {
        state.withLock { $0.hasCrashed = true }
    }

    /// Returns the disk as it is found when the power is back: counts at zero, no locks.
    package func afterCrash(_ loss: CrashLoss, plan: FaultPlan = FaultPlan()) -> FaultDisk {
        FaultDisk(state: state.withLock { $0.found(after: loss, plan: plan) }, clock: clock)
    }

    /// Returns the disk as another process finds it after this one ended, with the power on.
    ///
    /// What was not durable still is not, but can be read. Counts are at zero, and no lock is held.
    package func afterExit(plan: FaultPlan = FaultPlan()) -> FaultDisk {
        FaultDisk(state: state.withLock { $0.left(plan: plan) }, clock: clock)
    }

    /// Flips one bit of a file, durably.
    ///
    /// - Throws: `DiskFault` when there is no such file or byte.
    package func flipBit(of path: String, offset: Int, bit: Int) throws(DiskFault) {
        try run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.flip(path, offset, bit)
        }
    }

    /// Returns the paths of all files, ascending.
    package func files() -> [String] { state.withLock { $0.files() } }

    /// Opens or makes a file.
    ///
    /// - Throws: `DiskFault`.
    package func open(_ path: String, _ mode: DiskOpenMode) throws(DiskFault) -> any DiskFile {
        let node = try run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.open(path, mode)
        }
        return FaultFile(disk: self, node: node, path: path, isWritable: mode != .readOnly)
    }

    /// Returns the names in a folder, ascending by their bytes.
    ///
    /// - Throws: `DiskFault`.
    package func list(_ directory: String) throws(DiskFault) -> [DiskEntry] {
        try run { (state: inout FaultDiskState) throws(DiskFault) in try state.list(directory) }
    }

    /// Makes a folder in an existing one.
    ///
    /// - Throws: `DiskFault`.
    package func makeDirectory(_ path: String) throws(DiskFault) {
        try run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.makeDirectory(path)
        }
    }

    /// Gives a file another name, replacing what has that name.
    ///
    /// - Throws: `DiskFault`.
    package func rename(_ path: String, to newPath: String) throws(DiskFault) {
        try run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.rename(path, newPath)
        }
    }

    /// Removes the name of a file.
    ///
    /// - Throws: `DiskFault`.
    package func remove(_ path: String) throws(DiskFault) {
        try run { (state: inout FaultDiskState) throws(DiskFault) in try state.remove(path) }
    }

    /// Makes the names in a folder durable.
    ///
    /// - Throws: `DiskFault`.
    package func syncDirectory(_ path: String) throws(DiskFault) {
        takeTime()
        try run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.syncDirectory(path)
        }
    }

    /// Takes the exclusive lock of a file; never waits.
    ///
    /// - Throws: `DiskFault`: `locked` when another holder has it.
    package func lock(_ path: String) throws(DiskFault) -> any DiskLock {
        try run { (state: inout FaultDiskState) throws(DiskFault) in try state.lock(path) }
        return FaultLock(disk: self, path: path, isShared: false)
    }

    /// Takes a shared lock of an existing file; never waits.
    ///
    /// - Throws: `DiskFault`: `locked` when somebody has the exclusive one.
    package func lockShared(_ path: String) throws(DiskFault) -> any DiskLock {
        try run { (state: inout FaultDiskState) throws(DiskFault) in try state.lockShared(path) }
        return FaultLock(disk: self, path: path, isShared: true)
    }

    fileprivate func unlock(_ path: String, isShared: Bool) {
        state.withLock { state in
            if !isShared {
                state.locks.removeAll { $0 == path }
            } else if let one = state.sharedLocks.firstIndex(of: path) {
                state.sharedLocks.remove(at: one)
            }
        }
    }

    fileprivate func takeTime() {
        let time = state.withLock { $0.plan.syncMicroseconds }
        if time > 0 { clock?.advance(microseconds: time) }
    }

    /// Runs one operation under the lock; a typed error leaves it as a value.
    fileprivate func run<Value: Sendable>(
        _ body: (inout FaultDiskState) throws(DiskFault) -> Value
    ) throws(DiskFault) -> Value {
        let result = state.withLock { state -> Result<Value, DiskFault> in
            do throws(DiskFault) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// An open file of a simulated disk.
private final class FaultFile: DiskFile {
    let path: String
    private let disk: FaultDisk
    private let node: Int
    private let isWritable: Bool

    init(disk: FaultDisk, node: Int, path: String, isWritable: Bool) {
        self.disk = disk
        self.node = node
        self.path = path
        self.isWritable = isWritable
    }

    func read(into bytes: inout MutableSpan<UInt8>, at offset: Int) throws(DiskFault) -> Int {
        let wanted = bytes.count
        let found = try disk.run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.read(node, path, offset, wanted)
        }
        unsafe bytes.withUnsafeMutableBytes { unsafe $0.copyBytes(from: found) }
        return found.count
    }

    func write(_ bytes: Span<UInt8>, at offset: Int) throws(DiskFault) {
        let copy = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
        try change(.write, .write(offset: offset, bytes: copy))
    }

    func sync() throws(DiskFault) {
        disk.takeTime()
        try disk.run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.sync(node, path)
        }
    }

    func preallocate(to size: Int) throws(DiskFault) {
        guard try self.size() < size else { return }
        try change(.preallocate, .grow(size))
    }

    func truncate(to size: Int) throws(DiskFault) {
        try change(.truncate, .resize(size))
    }

    /// Nothing is durable by it.
    func beginWriting(_ range: Range<Int>) throws(DiskFault) {}

    /// There is no memory to let go of.
    func letGo(_ range: Range<Int>) throws(DiskFault) {}

    func size() throws(DiskFault) -> Int {
        try disk.run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.size(node, path)
        }
    }

    private func change(_ operation: DiskOperation, _ change: FileChange) throws(DiskFault) {
        guard isWritable else {
            throw DiskFault(.readOnly, operation, path: path, cause: "opened for reading")
        }
        try disk.run { (state: inout FaultDiskState) throws(DiskFault) in
            try state.change(node, path, operation, change)
        }
    }
}

private final class FaultLock: DiskLock {
    let path: String
    private let disk: FaultDisk
    private let isShared: Bool

    init(disk: FaultDisk, path: String, isShared: Bool) {
        self.disk = disk
        self.path = path
        self.isShared = isShared
    }

    deinit {
        disk.unlock(path, isShared: isShared)
    }
}
