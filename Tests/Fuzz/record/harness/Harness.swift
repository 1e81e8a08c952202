// SPDX-License-Identifier: Apache-2.0
//
// The coverage-guided fuzzer of the canonical bytes: records, orders, keys and rows of the state,
// and any CBOR item. No input may trap; what a decoder accepts has exactly one encoding. Built by
// scripts/fuzz only; the corpus beside it is replayed by TallyCodecTests/RecordFuzzTests.swift in
// every test run.

import TallyCodec
import TallyTypes

/// Called by libFuzzer with each input; a trap is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRecord(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    check(input) { input throws(Malformed) in
        RecordCodec.encode(try RecordCodec.decode(input))
    }
    check(input) { input throws(Malformed) in
        StateCodec.encodeKey(try StateCodec.decodeKey(input))
    }
    check(input) { input throws(Malformed) in
        StateCodec.encodeScalars(try StateCodec.decodeScalars(input))
    }
    check(input) { input throws(Malformed) in
        do throws(CBORError) {
            return try CBORItem.decode(input).encoded
        } catch {
            throw error.malformed
        }
    }
    for kind in OrderKind.allCases {
        check(input) { input throws(Malformed) in
            OrderCodec.encode(try OrderCodec.decode(kind: kind, input))
        }
    }
    for kind in StateKeyKind.allCases {
        check(input) { input throws(Malformed) in
            StateCodec.encodeValue(try StateCodec.decodeValue(kind: kind, input))
        }
    }
    return 0
}

private func check(
    _ input: [UInt8],
    _ again: ([UInt8]) throws(Malformed) -> [UInt8]
) {
    do throws(Malformed) {
        guard try again(input) == input else { fatalError("two encodings of one value") }
    } catch {
        guard (0...input.count).contains(error.offset) else { fatalError("offset outside") }
    }
}
