// SPDX-License-Identifier: Apache-2.0
//
// The rows of a flush on their way out of the cache: copied a few at a time, each as it was when
// the flush was begun. Pure. Owned by the cache, which has a row copied before it changes it, and
// otherwise in the order of the handles; specs/cache.md §6.

import TallyCodec
import TallyTypes

/// The copies of a flush, in the form of the cache image.
final class RowCopies {
    /// What is copied so far; a value, so that a run of copies works on it without asking the
    /// runtime for each.
    struct Copied {
        /// One bit per row that was copied, or handed out later.
        fileprivate var done: [UInt64]
        /// The rows of the image.
        fileprivate(set) var image = LittleEndianWriter()
        /// How many they are.
        fileprivate(set) var count: UInt64 = 0
        /// By handle: where its copy begins in the image; -1 for a row in neither generation.
        fileprivate(set) var places: [Int]
    }

    /// Where the state of a row stands behind the start of its copy: id, tag, generation, kind.
    static let stateOffset = 26

    /// Rows below this handle were there when the flush was begun.
    private let end: Int
    /// The stamp of the generation that was current then.
    private let stamp: UInt32
    private var cursor = 0
    private(set) var copied: Copied

    init(rows: Int, stamp: UInt32) {
        end = rows
        self.stamp = stamp
        copied = Copied(
            done: [UInt64](repeating: 0, count: rows / 64 + 1),
            places: [Int](repeating: -1, count: rows)
        )
        copied.image.bytes.reserveCapacity(rows * 60)
    }

    /// True when every row is copied.
    var isComplete: Bool { cursor == end }

    /// The row was handed out to a new key: it is not in this flush.
    func skip(_ handle: RowHandle) {
        if Int(handle.position) < end { copied.mark(Int(handle.position)) }
    }

    /// Copies a row that is about to change, unless it is copied.
    func copy(_ handle: RowHandle, from cache: Cache) {
        let position = Int(handle.position)
        guard position < end, copied.lacks(position) else { return }
        copied.copy(position, cache, stamp)
    }

    /// Copies some more rows, in the order of their handles.
    func copyNext(_ rows: Int, from cache: Cache) {
        let last = cursor + min(rows, end - cursor)
        var run = Copied(done: [], places: [])
        swap(&run, &copied)
        for position in cursor..<last where run.lacks(position) {
            run.copy(position, cache, stamp)
        }
        swap(&run, &copied)
        cursor = last
    }
}

extension RowCopies.Copied {
    @inline(__always)
    fileprivate func lacks(_ position: Int) -> Bool {
        done[position / 64] >> UInt64(position % 64) & 1 == 0
    }

    @inline(__always)
    fileprivate mutating func mark(_ position: Int) {
        done[position / 64] |= 1 << UInt64(position % 64)
    }

    /// Copies a row, if a generation holds it.
    @inline(__always)
    fileprivate mutating func copy(_ position: Int, _ cache: Cache, _ stamp: UInt32) {
        mark(position)
        let handle = RowHandle(UInt32(position))
        guard cache.rows[handle].state != .free, cache.rows[handle].stamp + 1 >= stamp else {
            return
        }
        places[position] = image.bytes.count
        count += 1
        CacheImageCodec.append(handle, of: cache, flushing: stamp, to: &image)
    }
}
