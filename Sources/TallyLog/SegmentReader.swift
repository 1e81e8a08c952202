// SPDX-License-Identifier: Apache-2.0
//
// Reads one segment through a sliding window: frames in order, a frame anywhere, the first byte
// that is not zero. Never writes. Imports TallyTypes; used by recovery, the cursor and the
// verifier.

internal import TallyTypes

/// One frame as found.
struct FoundFrame: Hashable {
    let header: FrameHeader
    let offset: Int
    /// The offset behind the frame's padding.
    var end: Int { offset + FrameHeader.frameBytes(entry: Int(header.length)) }
}

/// A window over one segment's file.
struct SegmentReader {
    let file: any DiskFile
    let path: String
    let size: Int
    private var window: [UInt8] = []
    private var start = 0
    private let windowBytes: Int

    init(file: any DiskFile, path: String, size: Int, windowBytes: Int = 4 << 20) {
        self.file = file
        self.path = path
        self.size = size
        self.windowBytes = windowBytes
    }

    /// Opens a segment and reads its header.
    static func open(
        _ disk: any Disk,
        _ path: String,
        _ mode: DiskOpenMode = .readOnly
    ) throws(LogFault) -> (reader: SegmentReader, header: SegmentHeader) {
        let file = try onDisk { () throws(DiskFault) in try disk.open(path, mode) }
        let size = try onDisk { () throws(DiskFault) in try file.size() }
        guard size >= SegmentHeader.byteCount else {
            throw LogFault(.corrupt, subject: path, reason: "\(size) bytes are no segment")
        }
        let head = try onDisk { () throws(DiskFault) in
            try file.bytes(at: 0, count: SegmentHeader.byteCount)
        }
        let header = try SegmentHeader(head, path: path)
        guard header.size == UInt64(size) else {
            let reason = "\(size) bytes long, and its header says \(header.size)"
            throw LogFault(.corrupt, subject: path, reason: reason)
        }
        return (SegmentReader(file: file, path: path, size: size), header)
    }

    /// The whole frame of this index at an offset that follows a chain, or nil.
    mutating func frame(
        at offset: Int,
        index: LogIndex,
        after chain: UInt32,
        salt: UInt64
    ) throws(LogFault) -> FoundFrame? {
        guard let found = try anyFrame(at: offset, salt: salt), found.header.index == index else {
            return nil
        }
        let entry = try slice(at: entryOffset(found), count: Int(found.header.length))
        return found.header.follows(chain, entry: window.span.extracting(entry)) ? found : nil
    }

    /// The whole frame at an offset, of whatever index, or nil.
    mutating func anyFrame(at offset: Int, salt: UInt64) throws(LogFault) -> FoundFrame? {
        guard offset + FrameHeader.byteCount <= size else { return nil }
        let head = try slice(at: offset, count: FrameHeader.byteCount)
        guard let header = FrameHeader(window.span.extracting(head)) else { return nil }
        let found = FoundFrame(header: header, offset: offset)
        guard found.end <= size else { return nil }
        let all = try slice(at: offset, count: found.end - offset)
        let entryStart = all.lowerBound + FrameHeader.byteCount
        let entryEnd = entryStart + Int(header.length)
        for position in entryEnd..<all.upperBound where window[position] != 0 {
            return nil
        }
        let entry = window.span.extracting(entryStart..<entryEnd)
        return header.isWhole(over: entry, salt: salt) ? found : nil
    }

    /// The bytes of a found frame's entry.
    mutating func entry(_ found: FoundFrame) throws(LogFault) -> [UInt8] {
        let range = try slice(at: entryOffset(found), count: Int(found.header.length))
        return Array(window[range])
    }

    /// The first whole frame behind an offset that proves entry `index` to have been durable, or
    /// nil.
    mutating func proof(
        of index: LogIndex,
        behind offset: Int,
        salt: UInt64
    ) throws(LogFault) -> FoundFrame? {
        var at = offset + 8
        while let next = try firstNonZero(from: at) {
            at = next / 8 * 8
            if let found = try anyFrame(at: at, salt: salt), found.header.index > index {
                if found.header.synced >= index { return found }
                at = found.end
            } else {
                at += 8
            }
        }
        return nil
    }

    /// The offset of the first byte at or behind an offset that is not zero, or nil.
    mutating func firstNonZero(from offset: Int) throws(LogFault) -> Int? {
        var at = offset
        while at < size {
            let range = try slice(at: at, count: min(size - at, 1 << 16))
            if let position = Self.firstNonZero(window.span.extracting(range)) {
                return at + position
            }
            at += range.count
        }
        return nil
    }

    /// Forgets what was read, after the file was changed.
    mutating func forget() {
        window = []
    }

    private func entryOffset(_ found: FoundFrame) -> Int { found.offset + FrameHeader.byteCount }

    /// Loads bytes and says where in the window they are.
    private mutating func slice(at offset: Int, count: Int) throws(LogFault) -> Range<Int> {
        if offset < start || offset + count > start + window.count {
            let bytes = min(max(count, windowBytes), size - offset)
            let from = offset
            let file = file
            window = try onDisk { () throws(DiskFault) in try file.bytes(at: from, count: bytes) }
            start = offset
        }
        return offset - start..<offset - start + count
    }

    private static func firstNonZero(_ bytes: Span<UInt8>) -> Int? {
        unsafe bytes.withUnsafeBytes { raw in
            var at = 0
            while at + 8 <= raw.count {
                guard unsafe raw.loadUnaligned(fromByteOffset: at, as: UInt64.self) == 0 else {
                    break
                }
                at += 8
            }
            while at < raw.count {
                guard unsafe raw[at] == 0 else { return at }
                at += 1
            }
            return nil
        }
    }
}
