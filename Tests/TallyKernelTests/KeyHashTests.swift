// SPDX-License-Identifier: Apache-2.0
//
// SipHash-2-4 against the vectors that its authors published: key 00…0f, input 00…(n − 1). They are
// the first eight of each list, the reference of the paper, and lengths around a word.

import TallyKernel
import TallyTypes
import Testing
import TestSupport

@Suite("Key hash")
struct KeyHashTests {
    /// Secrets whose id key and tag key both are 00…0f, read as little-endian words.
    static let secrets = KeySecrets(
        Digest(
            0x0706_0504_0302_0100,
            0x0f0e_0d0c_0b0a_0908,
            0x0706_0504_0302_0100,
            0x0f0e_0d0c_0b0a_0908
        )
    )

    private static func hash(_ count: Int) -> KeyHash {
        KeyHash(of: (0..<count).map { UInt8($0) }, under: secrets)
    }

    @Test(
        "the tag is SipHash-2-4 with 64 bits",
        arguments: zip(
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 15],
            [
                0x726f_db47_dd0e_0e31, 0x74f8_39c5_93dc_67fd, 0x0d6c_8009_d9a9_4f5a,
                0x8567_6696_d7fb_7e2d, 0xcf27_94e0_2771_87b7, 0x1876_5564_cd99_a68d,
                0xcbc9_466e_58fe_e3ce, 0xab02_00f5_8b01_d137, 0x93f5_f579_9a93_2462,
                0xa129_ca61_49be_45e5,
            ] as [UInt64]
        )
    )
    func tag(_ count: Int, _ expected: UInt64) {
        #expect(KeyHashTests.hash(count).tag == expected)
    }

    @Test(
        "the id is SipHash-2-4 with 128 bits",
        arguments: zip(
            [0, 1, 2, 3],
            [
                "a3817f04ba25a8e66df67214c7550293", "da87c1d86b99af44347659119b22fc45",
                "8177228da4a45dc7fca38bdef60affe4", "9c70b60c5267a94e5f33b6b02985ed51",
            ]
        )
    )
    func id(_ count: Int, _ expected: String) {
        let hash = KeyHashTests.hash(count)
        let bytes = [hash.low, hash.high].flatMap { bigEndianBytes($0.byteSwapped) }
        #expect(hexadecimal(bytes) == expected)
    }

    @Test("id and tag have keys of their own, and every byte of a key counts")
    func secrets() {
        let other = KeySecrets(Digest(1, 2, 3, 4))
        var seen: Set<KeyHash> = []
        for count in 0..<64 {
            var bytes = [UInt8](repeating: 0, count: count)
            seen.insert(KeyHash(of: bytes, under: other))
            for position in bytes.indices {
                bytes[position] = 1
                seen.insert(KeyHash(of: bytes, under: other))
                bytes[position] = 0
            }
        }
        #expect(seen.count == 64 + 63 * 32)
        let sameTag = KeySecrets(Digest(9, 9, 3, 4))
        let left = KeyHash(of: [1], under: other)
        let right = KeyHash(of: [1], under: sameTag)
        #expect(left.tag == right.tag)
        #expect(left.low != right.low)
    }

    @Test("secrets are thirty-two bytes, and come back")
    func bytes() {
        var random = SeededRandom(seed: 7)
        let bytes = random.bytes(32)
        #expect(KeySecrets(bytes)?.words.bytes == bytes)
        #expect(KeySecrets(random.bytes(31)) == nil)
        #expect(KeySecrets(random.bytes(33)) == nil)
    }
}
