// SPDX-License-Identifier: Apache-2.0
//
// Days of the proleptic Gregorian calendar in integers: no locale, no time zone, no library.
// Standard library only; used by the time formats, the import and the views.

package import TallyTypes

/// A day of the proleptic Gregorian calendar.
package struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The year; 1 is the first of the era, 0 the one before.
    package let year: Int
    /// The month, 1 to 12.
    package let month: Int
    /// The day of the month, 1 to 31.
    package let day: Int

    /// Checks and takes a day; nil when the month does not exist or has no such day.
    package init?(year: Int, month: Int, day: Int) {
        guard month >= 1, month <= 12, day >= 1,
            day <= CivilDate.daysInMonth(month, of: year)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Makes the day that is so many days after 1970-01-01.
    ///
    /// - Source: Howard Hinnant, "chrono-compatible low-level date algorithms", days from civil.
    package init(daysSinceEpoch days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// How many days this day is after 1970-01-01.
    package var daysSinceEpoch: Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let marchMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The day in UTC on which a time falls.
    package init(_ time: BusinessTime) {
        self.init(daysSinceEpoch: time.day)
    }

    /// The first microsecond of the day in UTC; nil outside years 1 to 9999.
    package var startOfDay: BusinessTime? {
        guard year >= 1, year <= 9_999 else { return nil }
        return BusinessTime(microseconds: Int64(daysSinceEpoch) * BusinessTime.microsecondsPerDay)
    }

    /// `YYYY-MM-DD`.
    package var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Orders by day.
    package static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    /// Appends `YYYY-MM-DD`; a year before 0 has a minus sign, one after 9999 more digits.
    func append(to bytes: inout [UInt8]) {
        if year < 0 {
            bytes.append(UInt8(ascii: "-"))
        }
        appendDecimal(UInt64(year.magnitude), to: &bytes, width: 4)
        bytes.append(UInt8(ascii: "-"))
        appendDecimal(UInt64(month.magnitude), to: &bytes, width: 2)
        bytes.append(UInt8(ascii: "-"))
        appendDecimal(UInt64(day.magnitude), to: &bytes, width: 2)
    }

    private static func daysInMonth(_ month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension BusinessTime {
    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Whole days since 1970-01-01, rounded down.
    var day: Int {
        let quotient = microseconds / BusinessTime.microsecondsPerDay
        return Int(microseconds % BusinessTime.microsecondsPerDay < 0 ? quotient - 1 : quotient)
    }

    /// Microseconds since the start of that day.
    var microsecondOfDay: UInt64 {
        let rest = microseconds % BusinessTime.microsecondsPerDay
        return UInt64(rest < 0 ? rest + BusinessTime.microsecondsPerDay : rest)
    }
}
