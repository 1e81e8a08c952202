// SPDX-License-Identifier: Apache-2.0
//
// Calendar days without a time zone. Standard library only; called by both parsers, the books that
// sort by date, and the plan, which needs microseconds of UTC midnight.

/// A day of the proleptic Gregorian calendar, years 1 to 9999, in four bytes.
struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    private let packedYear: Int16
    private let packedMonth: UInt8
    private let packedDay: UInt8

    var year: Int { Int(packedYear) }
    var month: Int { Int(packedMonth) }
    var day: Int { Int(packedDay) }

    /// Makes a date; nil when no such day exists.
    init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1 else { return nil }
        guard day <= CivilDate.days(inMonth: month, of: year) else { return nil }
        packedYear = Int16(year)
        packedMonth = UInt8(month)
        packedDay = UInt8(day)
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01, negative before.
    ///
    /// - Source: the years count from March, so that the leap day ends a year; 400 years repeat.
    var daysSinceEpoch: Int {
        let shifted = month > 2 ? year : year - 1
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Microseconds from the epoch to this day's midnight in UTC.
    var microseconds: Int64 { Int64(daysSinceEpoch) * 86_400_000_000 }

    static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    /// The ISO form, `2003-12-01`.
    var description: String {
        func padded(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
}
