// SPDX-License-Identifier: Apache-2.0
//
// Times as text, and the calendar under them, against tables and against a day-by-day count.

import TallyCodec
import TallyTypes
import TestSupport
import Testing

@Suite("Times as text")
struct TimeTextTests {
    @Test(
        "read any offset and fraction into UTC microseconds",
        arguments: [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2026-11-21T09:00:00.25Z", 1_795_251_600_250_000, "2026-11-21T09:00:00.25Z"),
            (
                "2026-11-21t10:30:00.250000000+01:30", 1_795_251_600_250_000,
                "2026-11-21T09:00:00.25Z"
            ),
            (
                "2026-11-20T23:59:59.999999-00:01", 1_795_219_259_999_999,
                "2026-11-21T00:00:59.999999Z"
            ),
            ("2000-02-29T00:00:00z", 951_782_400_000_000, "2000-02-29T00:00:00Z"),
            ("1969-12-31T23:59:59.999999Z", -1, "1969-12-31T23:59:59.999999Z"),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
            ("0001-01-01T23:59:00+23:59", -62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            ("2026-01-01T00:00:00-00:00", 1_767_225_600_000_000, "2026-01-01T00:00:00Z"),
            ("1970-01-01T00:00:00.0000004999999Z", 0, "1970-01-01T00:00:00Z"),
            ("1970-01-01T00:00:00.0000005Z", 1, "1970-01-01T00:00:00.000001Z"),
            ("1970-01-01T00:00:00.1234567Z", 123_457, "1970-01-01T00:00:00.123457Z"),
            ("1970-01-01T00:00:00.9999995Z", 1_000_000, "1970-01-01T00:00:01Z"),
            ("1969-12-31T23:59:59.9999995Z", 0, "1970-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.9999994Z", -1, "1969-12-31T23:59:59.999999Z"),
            ("1970-01-01T00:00:00.100Z", 100_000, "1970-01-01T00:00:00.1Z"),
        ]
    )
    func reads(text: String, microseconds: Int64, written: String) throws {
        let time = try TimeText.parse(Array(text.utf8))
        #expect(time.microseconds == microseconds)
        #expect(TimeText.string(time) == written)
        #expect(try TimeText.parse(Array(TimeText.string(time, .fixed).utf8)) == time)
    }

    @Test(
        "refuse what is no RFC 3339 time, with the offset",
        arguments: [
            ("", 0), ("2026", 4), ("2026-11-21", 10), ("2026-11-21T09:00", 16),
            ("2026-11-21T09:00:00", 19),
            ("2026-11-21 09:00:00Z", 10), ("26-11-21T09:00:00Z", 2), ("+026-11-21T09:00:00Z", 0),
            ("0000-01-01T00:00:00Z", 0), ("2026-00-01T00:00:00Z", 5), ("2026-13-01T00:00:00Z", 5),
            ("2026-01-00T00:00:00Z", 8), ("2026-01-32T00:00:00Z", 8), ("2026-04-31T00:00:00Z", 8),
            ("2026-02-29T00:00:00Z", 8), ("1900-02-29T00:00:00Z", 8), ("2026-1-01T00:00:00Z", 6),
            ("2026-11-21T24:00:00Z", 11), ("2026-11-21T09:60:00Z", 14),
            ("2016-12-31T23:59:60Z", 17),
            ("2026-11-21T09:00:00.Z", 20), ("2026-11-21T09:00:00,5Z", 19),
            ("2026-11-21T09:00:00+24:00", 20),
            ("2026-11-21T09:00:00+01:60", 23), ("2026-11-21T09:00:00+0100", 22),
            ("2026-11-21T09:00:00+01", 22),
            ("2026-11-21T09:00:00Zx", 20), ("2026-11-21T09:00:00Z ", 20),
            (" 2026-11-21T09:00:00Z", 0),
            ("0001-01-01T00:00:00+00:01", 0), ("9999-12-31T23:59:59.9999995Z", 0),
            ("9999-12-31T23:59:59-00:01", 0),
            ("２026-11-21T09:00:00Z", 0),
        ]
    )
    func refuses(text: String, offset: Int) {
        let error = #expect(throws: Malformed.self) { try TimeText.parse(Array(text.utf8)) }
        #expect(error?.offset == offset, "\(text): \(String(describing: error))")
    }

    @Test("are written trimmed for the API and with six digits for journals")
    func forms() {
        let rows: [(UInt64, String, String)] = [
            (0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
            (1, "1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000001Z"),
            (86_399_120_000, "1970-01-01T23:59:59.12Z", "1970-01-01T23:59:59.120000Z"),
        ]
        for (microseconds, trimmed, fixed) in rows {
            let instant = Instant(microseconds: microseconds)
            #expect(TimeText.string(instant) == trimmed)
            #expect(TimeText.string(instant, .fixed) == fixed)
            #expect(TimeText.string(BusinessTime(instant), .fixed) == fixed)
        }
    }

    @Test("are written without a trap even beyond the years that can be read")
    func extremes() {
        #expect(
            TimeText.string(BusinessTime(microseconds: .max)) == "294247-01-10T04:00:54.775807Z"
        )
        #expect(
            TimeText.string(BusinessTime(microseconds: .min)) == "-290308-12-21T19:59:05.224192Z"
        )
        #expect(TimeText.string(Instant(microseconds: .max)) == "294247-01-10T04:00:54.775807Z")
    }

    @Test("survive the round trip at any microsecond and offset", arguments: [UInt64(11), 12])
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let span = UInt64(BusinessTime.max.microseconds - BusinessTime.min.microseconds)
        for _ in 0..<5_000 {
            let time = BusinessTime(
                microseconds: BusinessTime.min.microseconds + Int64(random.next() % span)
            )
            for form in [TimeForm.trimmed, .fixed] {
                let text = TimeText.string(time, form)
                #expect(try TimeText.parse(Array(text.utf8)) == time, "seed \(seed): \(text)")
            }
        }
    }

    @Test("never trap on any bytes", arguments: [UInt64(21), 22])
    func mutations(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let text = Array("2026-11-21T09:00:00.123456789+01:30".utf8)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Array(text.prefix(random.below(text.count + 1)))
            for _ in 0...random.below(3) where !bytes.isEmpty {
                let alphabet = Array("0123456789-+:.TZtz \u{0}".utf8)
                bytes[random.below(bytes.count)] = alphabet[random.below(alphabet.count)]
            }
            do {
                let time = try TimeText.parse(bytes)
                #expect(time >= .min && time <= .max, "seed \(seed)")
                accepted += 1
            } catch {
                #expect(error.offset <= bytes.count, "seed \(seed)")
            }
        }
        #expect(accepted > 50, "seed \(seed) tests too little")
    }
}

@Suite("Civil dates")
struct TimeCivilDateTests {
    @Test("count days as a calendar on the wall does, years 1 to 9999")
    func dayByDay() throws {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var days = -719_162
        for year in 1...9_999 {
            let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
            for (index, length) in lengths.enumerated() {
                let last = length + (isLeap && index == 1 ? 1 : 0)
                for day in [1, last] {
                    let date = try #require(CivilDate(year: year, month: index + 1, day: day))
                    #expect(date.daysSinceEpoch == days + day - 1)
                    #expect(CivilDate(daysSinceEpoch: days + day - 1) == date)
                }
                #expect(CivilDate(year: year, month: index + 1, day: last + 1) == nil)
                days += last
            }
        }
        #expect(days == 2_932_897)
    }

    @Test("know the days around the start of 1970 and of the era")
    func known() throws {
        #expect(CivilDate(daysSinceEpoch: 0).description == "1970-01-01")
        #expect(CivilDate(daysSinceEpoch: -1).description == "1969-12-31")
        #expect(CivilDate(daysSinceEpoch: 20_778).description == "2026-11-21")
        #expect(CivilDate(daysSinceEpoch: -719_163).description == "0000-12-31")
        #expect(CivilDate(daysSinceEpoch: -719_529).description == "-0001-12-31")
        #expect(CivilDate(BusinessTime(microseconds: -1)).description == "1969-12-31")
        #expect(CivilDate(BusinessTime.max).description == "9999-12-31")
    }

    @Test(
        "refuse days that do not exist",
        arguments: [(2026, 0, 1), (2026, 13, 1), (2026, 1, 0), (2026, 2, 29)]
    )
    func refuses(year: Int, month: Int, day: Int) {
        #expect(CivilDate(year: year, month: month, day: day) == nil)
    }

    @Test("give the start of their day in UTC")
    func starts() throws {
        let first = try #require(CivilDate(year: 1, month: 1, day: 1))
        #expect(first.startOfDay == .min)
        let date = try #require(CivilDate(year: 2026, month: 11, day: 21))
        let start = try #require(date.startOfDay)
        #expect(TimeText.string(start) == "2026-11-21T00:00:00Z")
        #expect(CivilDate(start) == date)
        #expect(CivilDate(year: 10_000, month: 1, day: 1)?.startOfDay == nil)
        #expect(CivilDate(year: 0, month: 12, day: 31)?.startOfDay == nil)
        #expect(try date < #require(CivilDate(year: 2026, month: 12, day: 1)))
    }
}
