// SPDX-License-Identifier: Apache-2.0
//
// Times as text. Read: RFC 3339 with any offset and any number of fraction digits, 0001 to 9999,
// rounded to microseconds. Written: UTC, either as the v2 API shows them or as journals do.
// Integers only. Imports TallyTypes; used by the JSON reader and writer, the import and the
// views.
//
//     trimmed    2026-11-21T09:00:00.25Z         no fraction when it is zero
//     fixed      2026-11-21T09:00:00.250000Z     always six digits

package import TallyTypes

/// How many digits of a second are written.
package enum TimeForm: Hashable, Sendable {
    /// As few as there are; none and no point for a whole second.
    case trimmed
    /// Always six.
    case fixed
}

/// The RFC 3339 reader and writer.
package enum TimeText {
    /// Reads an RFC 3339 time.
    ///
    /// - Rounding: to the nearest microsecond, halves to the later one, as Go rounds times.
    /// - Throws: ``Malformed`` with the offset in `bytes`: grammar, a day that does not exist,
    ///   second 60, or a time that is outside years 1 to 9999 once it is in UTC.
    /// - Source: RFC 3339 §5.6.
    package static func parse(_ bytes: Span<UInt8>) throws(Malformed) -> BusinessTime {
        var cursor = TimeCursor()
        let days = try cursor.date(bytes)
        try cursor.either(UInt8(ascii: "T"), UInt8(ascii: "t"), bytes)
        let seconds = try cursor.timeOfDay(bytes)
        let fraction = try cursor.fraction(bytes)
        let offsetSeconds = try cursor.offset(bytes)
        guard cursor.position == bytes.count else {
            throw Malformed("unexpected byte after the time", offset: cursor.position)
        }
        let total = Int64(days * 86_400 + seconds - offsetSeconds)
        let time = BusinessTime(microseconds: total * 1_000_000 + Int64(fraction))
        guard time >= .min, time <= .max else {
            throw Malformed("outside the years 0001 to 9999")
        }
        return time
    }

    /// Reads an RFC 3339 time; see the other form.
    package static func parse(_ bytes: [UInt8]) throws(Malformed) -> BusinessTime {
        try parse(bytes.span)
    }

    /// Appends a time in UTC.
    package static func append(
        _ time: BusinessTime,
        _ form: TimeForm = .trimmed,
        to bytes: inout [UInt8]
    ) {
        CivilDate(daysSinceEpoch: time.day).append(to: &bytes)
        let (seconds, fraction) = time.microsecondOfDay.quotientAndRemainder(dividingBy: 1_000_000)
        bytes.append(UInt8(ascii: "T"))
        appendDecimal(seconds / 3_600, to: &bytes, width: 2)
        bytes.append(UInt8(ascii: ":"))
        appendDecimal(seconds / 60 % 60, to: &bytes, width: 2)
        bytes.append(UInt8(ascii: ":"))
        appendDecimal(seconds % 60, to: &bytes, width: 2)
        if form == .fixed || fraction != 0 {
            bytes.append(UInt8(ascii: "."))
            appendDecimal(fraction, to: &bytes, width: 6)
            while form == .trimmed, bytes.last == UInt8(ascii: "0") {
                bytes.removeLast()
            }
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Returns a time in UTC as a string.
    package static func string(_ time: BusinessTime, _ form: TimeForm = .trimmed) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(time, form, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns an instant in UTC as a string.
    package static func string(_ instant: Instant, _ form: TimeForm = .trimmed) -> String {
        string(BusinessTime(instant), form)
    }
}

/// A position in the text of a time, with one function per part.
private struct TimeCursor {
    var position = 0

    /// Reads `YYYY-MM-DD` as days since 1970-01-01.
    mutating func date(_ bytes: Span<UInt8>) throws(Malformed) -> Int {
        let year = try number(4, 1...9_999, "year", bytes)
        try expect(UInt8(ascii: "-"), bytes)
        let month = try number(2, 1...12, "month", bytes)
        try expect(UInt8(ascii: "-"), bytes)
        let start = position
        let day = try number(2, 1...31, "day", bytes)
        guard let date = CivilDate(year: year, month: month, day: day) else {
            throw Malformed("the month has no such day", offset: start)
        }
        return date.daysSinceEpoch
    }

    /// Reads `hh:mm:ss` as seconds.
    mutating func timeOfDay(_ bytes: Span<UInt8>) throws(Malformed) -> Int {
        let hour = try number(2, 0...23, "hour", bytes)
        try expect(UInt8(ascii: ":"), bytes)
        let minute = try number(2, 0...59, "minute", bytes)
        try expect(UInt8(ascii: ":"), bytes)
        let second = try number(2, 0...59, "second", bytes)
        return hour * 3_600 + minute * 60 + second
    }

    /// Reads a point and digits, if they are there, as microseconds from 0 to 1,000,000.
    mutating func fraction(_ bytes: Span<UInt8>) throws(Malformed) -> Int {
        guard position < bytes.count, bytes[position] == UInt8(ascii: ".") else { return 0 }
        position += 1
        var microseconds = 0
        var count = 0
        while let digit = digit(bytes) {
            if count < 6 {
                microseconds = microseconds * 10 + digit
            } else if count == 6, digit >= 5 {
                microseconds += 1
            }
            position += 1
            count += 1
        }
        guard count > 0 else { throw Malformed("expected a digit", offset: position) }
        for _ in min(count, 6)..<6 {
            microseconds *= 10
        }
        return microseconds
    }

    /// Reads `Z` or `±hh:mm` as seconds east of UTC.
    mutating func offset(_ bytes: Span<UInt8>) throws(Malformed) -> Int {
        guard position < bytes.count else {
            throw Malformed("expected Z or an offset", offset: position)
        }
        let sign = bytes[position]
        position += 1
        switch sign {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            return 0
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            let hours = try number(2, 0...23, "offset hour", bytes)
            try expect(UInt8(ascii: ":"), bytes)
            let minutes = try number(2, 0...59, "offset minute", bytes)
            let seconds = hours * 3_600 + minutes * 60
            return sign == UInt8(ascii: "-") ? -seconds : seconds
        default:
            throw Malformed("expected Z or an offset", offset: position - 1)
        }
    }

    /// Steps over one of two bytes.
    mutating func either(
        _ first: UInt8,
        _ second: UInt8,
        _ bytes: Span<UInt8>
    ) throws(Malformed) {
        guard position < bytes.count, bytes[position] == first || bytes[position] == second else {
            throw Malformed("expected \(Unicode.Scalar(first))", offset: position)
        }
        position += 1
    }

    private mutating func expect(_ byte: UInt8, _ bytes: Span<UInt8>) throws(Malformed) {
        try either(byte, byte, bytes)
    }

    /// Reads exactly so many digits whose value is in a range.
    private mutating func number(
        _ count: Int,
        _ range: ClosedRange<Int>,
        _ part: StaticString,
        _ bytes: Span<UInt8>
    ) throws(Malformed) -> Int {
        let start = position
        var value = 0
        for _ in 0..<count {
            guard let digit = digit(bytes) else {
                throw Malformed("expected a digit of the \(part)", offset: position)
            }
            value = value * 10 + digit
            position += 1
        }
        guard range.contains(value) else {
            throw Malformed("the \(part) is out of range", offset: start)
        }
        return value
    }

    private func digit(_ bytes: Span<UInt8>) -> Int? {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        return byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte - 0x30) : nil
    }
}
