// SPDX-License-Identifier: Apache-2.0
//
// CRC32C against published vectors, and the processor's instruction against the table.

import CTally
import TestSupport
import Testing

@Suite("CRC32C")
struct ChecksumTests {
    /// Vectors of RFC 3720 appendix B.4, and the usual check value.
    static let published: [([UInt8], UInt32)] = [
        ([], 0),
        (Array("123456789".utf8), 0xE306_9283),
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ((0..<32).map { UInt8($0) }, 0x46DD_794E),
        ((0..<32).map { UInt8(31 - $0) }, 0x113F_DB5C),
    ]

    @Test("vectors", arguments: published)
    func vectors(bytes: [UInt8], expected: UInt32) {
        #expect(checksum(bytes) == expected)
        #expect(unsafe tally_crc32c_table(0, bytes, bytes.count) == expected)
    }

    @Test("the instruction and the table agree, at every length and in two parts")
    func agree() {
        var random = SeededRandom(seed: 20_261_121)
        for length in 0..<200 {
            let bytes = random.bytes(length)
            let start = UInt32(truncatingIfNeeded: random.next())
            let whole = unsafe tally_crc32c(start, bytes, length)
            #expect(unsafe tally_crc32c_table(start, bytes, length) == whole)
            let cut = random.below(length + 1)
            let first = unsafe tally_crc32c(start, bytes, cut)
            let rest = Array(bytes[cut...])
            #expect(unsafe tally_crc32c(first, rest, rest.count) == whole, "cut at \(cut)")
        }
    }

    private func checksum(_ bytes: [UInt8]) -> UInt32 {
        unsafe tally_crc32c(0, bytes, bytes.count)
    }
}
