// SPDX-License-Identifier: Apache-2.0
//
// What a simulated disk holds: nodes with their bytes, names, and the changes of both that are not
// durable. Imports TallyTypes. Used by FaultDisk only, under its lock.

internal import TallyTypes

/// A change of a file's bytes or size.
enum FileChange {
    case write(offset: Int, bytes: [UInt8])
    case grow(Int)
    case resize(Int)

    func apply(to bytes: inout [UInt8]) {
        switch self {
        case .write(let offset, let new):
            Self.grow(&bytes, offset + new.count)
            bytes.replaceSubrange(offset..<offset + new.count, with: new)
        case .grow(let size):
            Self.grow(&bytes, size)
        case .resize(let size):
            Self.grow(&bytes, size)
            bytes.removeLast(bytes.count - size)
        }
    }

    /// The change in pieces that a loss of power keeps or loses each on its own.
    var sectors: [FileChange] {
        guard case .write(let offset, let bytes) = self else { return [self] }
        var parts: [FileChange] = []
        var at = 0
        while at < bytes.count {
            let next = min(bytes.count, at + 512 - (offset + at) % 512)
            parts.append(.write(offset: offset + at, bytes: Array(bytes[at..<next])))
            at = next
        }
        return parts
    }

    private static func grow(_ bytes: inout [UInt8], _ size: Int) {
        guard bytes.count < size else { return }
        bytes.append(contentsOf: [UInt8](repeating: 0, count: size - bytes.count))
    }
}

/// A change of names.
enum NameChange {
    case bind(String, Int)
    case rename(String, String, Int)
    case unbind(String)

    func apply(to names: inout [String: Int]) {
        switch self {
        case .bind(let path, let node): names[path] = node
        case .rename(let old, let new, let node):
            names[new] = node
            if names[old] == node { names[old] = nil }
        case .unbind(let path): names[path] = nil
        }
    }

    /// The paths whose folders this change touches.
    var paths: [String] {
        switch self {
        case .bind(let path, _), .unbind(let path): [path]
        case .rename(let old, let new, _): [old, new]
        }
    }
}

/// One file or folder.
struct Node {
    var isDirectory: Bool
    var bytes: [UInt8] = []
    var durable: [UInt8] = []
}

/// One change that is not durable, in the order they were made.
enum PendingChange {
    case file(Int, FileChange)
    case name(NameChange)
}

/// One sector of one file.
private struct Sector: Hashable {
    let node: Int
    let number: Int
}

/// Everything of a simulated disk.
struct FaultDiskState {
    var plan: FaultPlan
    var counts = DiskCounts()
    var hasCrashed = false
    var locks: [String] = []
    var sharedLocks: [String] = []
    private var nodes: [Node] = [Node(isDirectory: true)]
    private var names: [String: Int] = ["/": 0]
    private var durableNames: [String: Int] = ["/": 0]
    private var pending: [PendingChange] = []

    init(plan: FaultPlan) {
        self.plan = plan
    }

    var pendingCount: Int { pending.count }

    func files() -> [String] {
        names.filter { !nodes[$0.value].isDirectory }.keys.sorted()
    }

    // What the power leaves.

    func found(after loss: CrashLoss, plan: FaultPlan) -> FaultDiskState {
        var next = FaultDiskState(plan: plan)
        next.nodes = nodes
        next.durableNames = durableNames
        var random = SplitMix(seed: loss.seed)
        var lost: Set<Sector> = []
        for (position, change) in pending.enumerated() {
            for part in change.parts(isTorn: loss.isRandom) {
                let isKept = loss.keeps(position, &random)
                guard let sector = part.sector, loss.isRandom else {
                    if isKept { next.keep(part) }
                    continue
                }
                if isKept, !lost.contains(sector) {
                    next.keep(part)
                } else {
                    lost.insert(sector)
                }
            }
        }
        next.names = next.durableNames
        next.dropOrphans()
        for node in next.nodes.indices {
            next.nodes[node].bytes = next.nodes[node].durable
        }
        return next
    }

    /// Everything as it is, for another process.
    func left(plan: FaultPlan) -> FaultDiskState {
        var next = self
        next.plan = plan
        next.counts = DiskCounts()
        next.hasCrashed = false
        next.locks = []
        next.sharedLocks = []
        return next
    }

    private mutating func keep(_ change: PendingChange) {
        switch change {
        case .file(let node, let change): change.apply(to: &nodes[node].durable)
        case .name(let change): change.apply(to: &durableNames)
        }
    }

    /// Names whose folder was lost are gone with it.
    private mutating func dropOrphans() {
        for path in names.keys.sorted() where path != "/" {
            guard let outer = names[Self.folder(path)], nodes[outer].isDirectory else {
                names[path] = nil
                durableNames[path] = nil
                continue
            }
        }
    }

    mutating func flip(_ path: String, _ offset: Int, _ bit: Int) throws(DiskFault) {
        let node = try find(path, .write)
        guard offset < nodes[node].bytes.count else {
            throw DiskFault(.io, .write, path: path, cause: "has no byte \(offset)")
        }
        nodes[node].bytes[offset] ^= 1 << UInt8(bit)
        if offset < nodes[node].durable.count {
            nodes[node].durable[offset] ^= 1 << UInt8(bit)
        }
    }

    // Operations on names.

    mutating func open(_ path: String, _ mode: DiskOpenMode) throws(DiskFault) -> Int {
        try count(.open, path)
        if let node = names[path] {
            guard mode != .createNew, !nodes[node].isDirectory else {
                throw DiskFault(.exists, .open, path: path, cause: "the name is taken")
            }
            if mode == .createOrEmpty, !nodes[node].bytes.isEmpty {
                try change(node, path, .truncate, .resize(0))
            }
            return node
        }
        guard mode == .createNew || mode == .createOrEmpty else {
            throw DiskFault(.notFound, .open, path: path, cause: "there is no such file")
        }
        return try make(path, .open, isDirectory: false)
    }

    mutating func makeDirectory(_ path: String) throws(DiskFault) {
        try count(.makeDirectory, path)
        guard names[path] == nil else {
            throw DiskFault(.exists, .makeDirectory, path: path, cause: "the name is taken")
        }
        _ = try make(path, .makeDirectory, isDirectory: true)
    }

    mutating func rename(_ path: String, _ newPath: String) throws(DiskFault) {
        try count(.rename, path)
        let node = try find(path, .rename)
        try checkFolder(newPath, .rename)
        try note(.rename, path, .name(.rename(path, newPath, node)))
    }

    mutating func remove(_ path: String) throws(DiskFault) {
        try count(.remove, path)
        let node = try find(path, .remove)
        guard !nodes[node].isDirectory else {
            throw DiskFault(.exists, .remove, path: path, cause: "is a folder")
        }
        try note(.remove, path, .name(.unbind(path)))
    }

    mutating func list(_ directory: String) throws(DiskFault) -> [DiskEntry] {
        try count(.list, directory)
        let node = try find(directory, .list)
        guard nodes[node].isDirectory else {
            throw DiskFault(.notFound, .list, path: directory, cause: "is no folder")
        }
        let inside = names.keys.filter { $0 != "/" && Self.folder($0) == directory }.sorted {
            $0.utf8.lexicographicallyPrecedes($1.utf8)
        }
        return inside.map { path in
            let kind: DiskEntry.Kind =
                names[path].map { nodes[$0].isDirectory } == true ? .directory : .file
            return DiskEntry(name: String(path.dropFirst(Self.prefix(directory))), kind: kind)
        }
    }

    mutating func syncDirectory(_ path: String) throws(DiskFault) {
        try count(.syncDirectory, path)
        _ = try find(path, .syncDirectory)
        try countChange(.syncDirectory, path, isSync: true)
        settle { change in
            guard case .name(let change) = change else { return false }
            return change.paths.contains { Self.folder($0) == path }
        }
    }

    mutating func lock(_ path: String) throws(DiskFault) {
        try count(.lock, path)
        if names[path] == nil { _ = try make(path, .lock, isDirectory: false) }
        guard !locks.contains(path), !sharedLocks.contains(path) else {
            throw DiskFault(.locked, .lock, path: path, cause: "another holder has the lock")
        }
        locks.append(path)
    }

    mutating func lockShared(_ path: String) throws(DiskFault) {
        try count(.lock, path)
        _ = try find(path, .lock)
        guard !locks.contains(path) else {
            throw DiskFault(.locked, .lock, path: path, cause: "another holder has the lock")
        }
        sharedLocks.append(path)
    }

    // Operations on bytes.

    mutating func read(
        _ node: Int,
        _ path: String,
        _ offset: Int,
        _ wanted: Int
    ) throws(DiskFault) -> [UInt8] {
        try count(.read, path)
        counts.reads += 1
        guard counts.reads != plan.failingRead else {
            throw DiskFault(.io, .read, path: path, cause: "simulated device error")
        }
        let bytes = nodes[node].bytes
        guard offset < bytes.count else { return [] }
        return Array(bytes[offset..<min(bytes.count, offset + wanted)])
    }

    mutating func size(_ node: Int, _ path: String) throws(DiskFault) -> Int {
        try count(.size, path)
        return nodes[node].bytes.count
    }

    mutating func change(
        _ node: Int,
        _ path: String,
        _ operation: DiskOperation,
        _ change: FileChange
    ) throws(DiskFault) {
        if operation != .truncate { try count(operation, path) }
        if case .write(_, let bytes) = change {
            counts.writes += 1
            counts.bytesWritten += bytes.count
        }
        try checkRoom(node, path, operation, change)
        try note(operation, path, .file(node, change))
    }

    mutating func sync(_ node: Int, _ path: String) throws(DiskFault) {
        try count(.sync, path)
        do {
            try countChange(.sync, path, isSync: true)
        } catch {
            if error.code == .syncFailed { forget(node) }
            throw error
        }
        settle { change in
            guard case .file(node, _) = change else { return false }
            return true
        }
    }

    // Bookkeeping.

    private mutating func make(
        _ path: String,
        _ operation: DiskOperation,
        isDirectory: Bool
    ) throws(DiskFault) -> Int {
        try checkFolder(path, operation)
        nodes.append(Node(isDirectory: isDirectory))
        let node = nodes.count - 1
        try note(operation, path, .name(.bind(path, node)))
        return node
    }

    /// Counts a change, applies it to what reads show, and remembers it as not durable.
    private mutating func note(
        _ operation: DiskOperation,
        _ path: String,
        _ change: PendingChange
    ) throws(DiskFault) {
        var crash: DiskFault?
        do {
            try countChange(operation, path, isSync: false)
        } catch {
            guard error.code == .crashed else { throw error }
            crash = error
        }
        pending.append(change)
        switch change {
        case .file(let node, let change): change.apply(to: &nodes[node].bytes)
        case .name(let change): change.apply(to: &names)
        }
        if let crash { throw crash }
    }

    /// Makes the chosen changes durable, in their order.
    private mutating func settle(_ isChosen: (PendingChange) -> Bool) {
        let all = pending
        pending = []
        for change in all {
            if isChosen(change) {
                keep(change)
            } else {
                pending.append(change)
            }
        }
    }

    private mutating func forget(_ node: Int) {
        pending.removeAll { change in
            guard case .file(node, _) = change else { return false }
            return true
        }
    }

    private mutating func count(
        _ operation: DiskOperation,
        _ path: String
    ) throws(DiskFault) {
        try checkPower(operation, path)
        counts.operations += 1
        if case .operation(counts.operations) = plan.crash, !operation.isChange {
            hasCrashed = true
            try checkPower(operation, path)
        }
    }

    private mutating func countChange(
        _ operation: DiskOperation,
        _ path: String,
        isSync: Bool
    ) throws(DiskFault) {
        counts.changes += 1
        if isSync { counts.syncs += 1 }
        let crashesHere: Bool =
            switch plan.crash {
            case .operation(let number): number == counts.operations
            case .change(let number): number == counts.changes
            case .write(let number): operation == .write && number == counts.writes
            case .sync(let number): isSync && number == counts.syncs
            case nil: false
            }
        if crashesHere {
            hasCrashed = true
            try checkPower(operation, path)
        }
        if let code = plan.failures[counts.changes] {
            throw DiskFault(code, operation, path: path, cause: "simulated \(code.rawValue)")
        }
    }

    private func checkPower(_ operation: DiskOperation, _ path: String) throws(DiskFault) {
        guard !hasCrashed else {
            throw DiskFault(.crashed, operation, path: path, cause: "the power is gone")
        }
    }

    private func checkRoom(
        _ node: Int,
        _ path: String,
        _ operation: DiskOperation,
        _ change: FileChange
    ) throws(DiskFault) {
        guard let capacity = plan.capacity else { return }
        let used = nodes.reduce(0) { $0 + $1.bytes.count }
        let size =
            switch change {
            case .write(let offset, let bytes): offset + bytes.count
            case .grow(let size), .resize(let size): size
            }
        let growth = max(0, size - nodes[node].bytes.count)
        guard growth == 0 || used + growth <= capacity.rawValue else {
            throw DiskFault(.full, operation, path: path, cause: "no space left on the disk")
        }
    }

    private func find(_ path: String, _ operation: DiskOperation) throws(DiskFault) -> Int {
        guard let node = names[path] else {
            throw DiskFault(.notFound, operation, path: path, cause: "there is no such name")
        }
        return node
    }

    private func checkFolder(_ path: String, _ operation: DiskOperation) throws(DiskFault) {
        guard let outer = names[Self.folder(path)], nodes[outer].isDirectory else {
            throw DiskFault(.notFound, operation, path: path, cause: "there is no such folder")
        }
    }

    private static func folder(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func prefix(_ directory: String) -> Int {
        directory == "/" ? 1 : directory.count + 1
    }
}

extension DiskOperation {
    /// True when it changes something or makes it durable.
    fileprivate var isChange: Bool {
        switch self {
        case .write, .sync, .preallocate, .truncate, .makeDirectory, .rename, .remove,
            .syncDirectory:
            true
        case .open, .read, .size, .list, .lock: false
        }
    }
}

extension PendingChange {
    /// The sector that a part of a write lies in.
    fileprivate var sector: Sector? {
        guard case .file(let node, .write(let offset, _)) = self else { return nil }
        return Sector(node: node, number: offset / 512)
    }

    fileprivate func parts(isTorn: Bool) -> [PendingChange] {
        guard isTorn, case .file(let node, let change) = self else { return [self] }
        return change.sectors.map { .file(node, $0) }
    }
}

extension CrashLoss {
    fileprivate var seed: UInt64 {
        if case .random(let seed) = self { return seed }
        return 0
    }

    fileprivate var isRandom: Bool {
        if case .random = self { return true }
        return false
    }

    fileprivate func keeps(_ position: Int, _ random: inout SplitMix) -> Bool {
        switch self {
        case .nothing: true
        case .everything: false
        case .keeping(let mask): position < 64 && mask >> UInt64(position) & 1 == 1
        case .random: random.next() >> 33 & 1 == 1
        }
    }
}
