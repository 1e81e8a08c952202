// SPDX-License-Identifier: Apache-2.0
//
// The log of the protocol histories: frames with their synced marks, power loss, torn tails
// (DESIGN.md §6). Called by the histories only.

import TestSupport

/// One frame: the highest index known durable when it was written, and an entry; nil is another
/// writer's.
struct Frame {
    let synced: UInt64
    let entry: [UInt8]?
}

/// A log in memory, of which a power loss keeps what was synced and any part of the rest.
struct LogModel {
    private(set) var frames: [Frame] = []
    var durable: UInt64 = 0

    var count: UInt64 { UInt64(frames.count) }

    mutating func append(_ entry: [UInt8]?) {
        frames.append(Frame(synced: durable, entry: entry))
    }

    func entry(_ index: UInt64) -> [UInt8]? { frames[Int(index) - 1].entry }

    var entries: [[UInt8]?] { frames.map(\.entry) }

    /// Where the log ends when some frames are bad; throws when a bad one was durable.
    static func end(_ frames: [Frame?], flushed: UInt64, _ rules: Rules) throws -> UInt64 {
        let bad = UInt64(frames.firstIndex { $0 == nil } ?? frames.count) + 1
        let later = frames[Swift.min(Int(bad), frames.count)...].compactMap { $0 }
        let proves = later.contains {
            $0.synced >= bad || rules.breaks(.anyLaterFrameIsCorruption)
        }
        if bad <= flushed || proves { throw Broken("L: frame \(bad) is corrupt") }
        return bad - 1
    }

    /// Power loss: of the frames not yet synced any subset is on disk; from the first bad one on
    /// all goes.
    mutating func recover(flushed: UInt64, _ rules: Rules, _ random: inout SeededRandom) throws {
        var onDisk: [Frame?] = []
        for (position, frame) in frames.enumerated() {
            let survives = position < Int(durable) || random.chance(6, in: 10)
            onDisk.append(survives ? frame : nil)
        }
        durable = try LogModel.end(onDisk, flushed: flushed, rules)
        frames.removeSubrange(Int(durable)...)
    }
}
