// SPDX-License-Identifier: Apache-2.0
//
// Options, plugins and metadata values of Beancount. Standard library only; part of
// BeancountParser.

extension BeancountParser {
    /// `option "NAME" "VALUE"`.
    mutating func option(_ cursor: inout TokenCursor) throws(ImportError) {
        let place = cursor.position
        let name = try cursor.text()
        let valuePlace = cursor.position
        let value = try cursor.text()
        guard let option = BeancountOption(rawValue: name) else {
            throw ImportError(
                .unsupportedOption,
                at: place,
                "expected an option of Beancount, found '\(name)'"
            )
        }
        switch option.treatment {
        case .harmless(let reason): ignored.note("option \(name)", because: reason)
        case .refused(let reason):
            throw ImportError(
                .unsupportedOption,
                at: place,
                "option '\(name)' is not supported: \(reason)"
            )
        case .handled: try set(option, value, at: valuePlace)
        }
    }

    private mutating func set(
        _ option: BeancountOption,
        _ value: String,
        at place: SourcePosition
    ) throws(ImportError) {
        switch option {
        case .bookingMethod: options.method = try BeancountParser.method(value, at: place)
        case .toleranceMultiplier, .inferredToleranceMultiplier:
            options.multiplier = try BeancountParser.plainNumber(value, at: place)
        case .inferredToleranceDefault:
            let parts = value.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw ImportError(
                    .malformedDirective,
                    at: place,
                    "expected CURRENCY:TOLERANCE, found '\(value)'"
                )
            }
            options.defaultTolerances[String(parts[0])] = try BeancountParser.plainNumber(
                String(parts[1]),
                at: place
            )
        default:
            guard ["FALSE", "0", "false", "False"].contains(value) else {
                throw ImportError(
                    .unsupportedOption,
                    at: place,
                    "option '\(option.rawValue)' is supported only as FALSE, found '\(value)'"
                )
            }
        }
    }

    /// Reads the name of a booking method.
    static func method(_ name: String, at place: SourcePosition) throws(ImportError)
        -> BookingMethod
    {
        guard let method = BookingMethod(rawValue: name) else {
            throw ImportError(
                .unsupportedOption,
                at: place,
                "expected STRICT, STRICT_WITH_SIZE, FIFO, LIFO, HIFO or NONE, found '\(name)'"
            )
        }
        return method
    }

    private static func plainNumber(
        _ text: String,
        at place: SourcePosition
    ) throws(ImportError) -> ExactDecimal {
        let source = try SourceText(path: place.file, bytes: Array(text.utf8))
        var lines = LineReader(source)
        guard var cursor = lines.next(), cursor.peek.map(Byte.isDigit) == true else {
            throw ImportError(.malformedDirective, at: place, "expected a number, found '\(text)'")
        }
        do {
            let number = try NumberReader.number(&cursor, dialect: .beancount, mark: Byte.point)
            if cursor.isAtEnd { return number.value }
        } catch {
            throw ImportError(.malformedDirective, at: place, error.message)
        }
        throw ImportError(.malformedDirective, at: place, "expected a number, found '\(text)'")
    }

    /// `plugin "MODULE" ["CONFIGURATION"]`.
    mutating func plugin(_ cursor: inout TokenCursor) throws(ImportError) {
        let place = cursor.position
        let module = try cursor.text()
        if !cursor.isAtEnd { _ = try cursor.text() }
        switch BeancountPlugin.treatment(of: module) {
        case .handled: options.opensAccounts = true
        case .harmless(let reason): ignored.note("plugin \(module)", because: reason)
        case .refused(let reason):
            throw ImportError(
                .unsupportedPlugin,
                at: place,
                "plugin '\(module)' is not supported: \(reason)"
            )
        }
    }

    /// Reads the value of a metadata line as text.
    func metadataValue(_ cursor: inout TokenCursor) throws(ImportError) -> String {
        guard let token = cursor.peek else { return "" }
        switch token.kind {
        case .text(let text):
            cursor.advance()
            return text
        case .number, .symbol("("), .symbol("-"), .symbol("+"):
            let number = try cursor.number()
            let currency = cursor.takeCurrency()
            return currency.map { "\(number.value) \($0)" } ?? "\(number.value)"
        case .date(let date):
            cursor.advance()
            return date.description
        case .account(let text), .currency(let text), .tag(let text), .word(let text):
            cursor.advance()
            return text
        case .link, .key, .symbol: throw cursor.failure(.malformedMetadata, "a value")
        }
    }
}
