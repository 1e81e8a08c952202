// SPDX-License-Identifier: Apache-2.0
//
// The coverage-guided fuzzer of the exact JSON reader, for `-sanitize=fuzzer`: a text that is
// accepted must be written back to a text that reads as the same value, and none may trap. The
// same properties hold for the committed corpus in JSONFuzzTests. Imports TallyCodec and
// TallyTypes; run by `make fuzz`.

import TallyCodec
import TallyTypes

/// The entry point that libFuzzer calls; always returns 0, a broken property traps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    checkReader(input)
    checkStream(input)
    checkTime(input)
    return 0
}

private func checkReader(_ input: [UInt8]) {
    let value: JSONValue
    do {
        value = try JSONReader.parse(input)
    } catch {
        checkPlace(of: error, in: input)
        return
    }
    do {
        let again = try JSONText(value).value()
        var writer = JSONWriter(style: .go)
        writer.value(value)
        let escaped = try JSONReader.parse(writer.bytes, limits: JSONLimits(bytesMax: .max))
        guard again == value, again.exactEquals(value), escaped == value else {
            fatalError("written and read again, the value is another")
        }
    } catch {
        fatalError("refuses what it wrote: \(error)")
    }
}

private func checkStream(_ input: [UInt8]) {
    var stream = JSONStream()
    var last = -1
    do {
        while try stream.next(in: input) != nil {
            guard stream.offset > last else { fatalError("the stream does not move") }
            last = stream.offset
        }
    } catch {
        checkPlace(of: error, in: input)
    }
}

private func checkTime(_ input: [UInt8]) {
    let time: BusinessTime
    do {
        time = try TimeText.parse(input)
    } catch {
        checkPlace(of: error, in: input)
        return
    }
    do {
        guard try TimeText.parse(Array(TimeText.string(time).utf8)) == time else {
            fatalError("written and read again, the time is another")
        }
    } catch {
        fatalError("refuses what it wrote: \(error)")
    }
}

private func checkPlace(of error: Malformed, in input: [UInt8]) {
    guard error.offset >= 0, error.offset <= input.count else {
        fatalError("the error lies outside the input: \(error)")
    }
}
