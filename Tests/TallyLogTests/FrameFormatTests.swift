// SPDX-License-Identifier: Apache-2.0
//
// The bytes of the log's files, as docs/formats/log.md shows them. Format 1 is kept for ever.

import TestSupport
import TallyLog
import TallySim
import TallyTypes
import Testing

@Suite("log format")
struct FrameFormatTests {
    @Test("a segment with one frame, byte by byte")
    func golden() throws {
        let disk = try LogBench.disk()
        let configuration = EmbeddedLogConfiguration(segmentBytes: 256, salt: 0)
        let log = EmbeddedLog(
            disk: disk,
            directory: LogBench.folder,
            configuration: configuration
        )
        _ = try log.recover(flushedIndex: .zero)
        let entry = Array("abc".utf8)
        try log.append(entry.span, at: LogIndex(1))
        try log.sync()
        let bytes = try disk.open(LogBench.path(1), .readOnly).bytes(at: 0, count: 256)
        #expect(hexadecimal(bytes[0..<64]) == Self.header)
        #expect(hexadecimal(bytes[64..<104]) == Self.frame)
        #expect(bytes[104...].allSatisfy { $0 == 0 })
    }

    static let header =
        "74616c6c796c6f6701000000ea50025e01000000000000000100000000000000"
        + "0000000000000000000000000000000000010000000000000000000000000000"
    static let frame =
        "0300000074ec566f01000000f1a4700c01000000000000000000000000000000"
        + "6162630000000000"
}
