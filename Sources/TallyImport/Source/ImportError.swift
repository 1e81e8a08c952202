// SPDX-License-Identifier: Apache-2.0
//
// The importer's one error: where, what, and a code that never changes its name. Standard library
// only; thrown by every stage, rendered by the command line. Codes are for programs, messages for
// people: a message says what was expected and what was found.

/// A place in a source file; line and column count from 1, a column is one Unicode scalar.
package struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    /// The path under which the file was read.
    package let file: String
    /// The line, from 1.
    package let line: Int
    /// The column in Unicode scalars, from 1.
    package let column: Int

    /// Makes a position.
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// The form that editors understand: `file:line:column`.
    package var description: String { "\(file):\(line):\(column)" }
}

/// Why a journal cannot be imported: a stable code, a place, and a sentence.
package struct ImportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The closed list of reasons; names are stable and never reused.
    package enum Code: String, CaseIterable, Sendable {
        /// The reader could not supply a file.
        case unreadable
        /// A file is not the one that was scanned.
        case sourceChanged
        /// A file is not UTF-8 text.
        case invalidEncoding
        /// A file includes itself, directly or through others.
        case includeCycle
        /// Includes are nested too deeply.
        case includeTooDeep
        /// An include with a pattern, a home directory or another reader's prefix.
        case unsupportedInclude
        /// An indented line that belongs to nothing.
        case unexpectedIndent
        /// A directive nobody knows.
        case unknownDirective
        /// A directive that is known and would change balances, but is not supported.
        case unsupportedDirective
        /// A directive whose arguments do not parse.
        case malformedDirective
        /// An `end` without its beginning, or a beginning without its end.
        case unbalancedBlock
        /// A date that does not parse or does not exist.
        case malformedDate
        /// A date without a year where no year was set.
        case missingYear
        /// An account name that does not parse.
        case malformedAccount
        /// An amount that does not parse.
        case malformedAmount
        /// A number that two readers would read differently.
        case ambiguousNumber
        /// A value expression that needs more than arithmetic.
        case unsupportedExpression
        /// A quotient without a finite decimal expansion.
        case inexactDivision
        /// A division by zero.
        case divisionByZero
        /// A number beyond what the ledger can hold.
        case amountTooLarge
        /// A cost or price that does not parse or may not be negative.
        case malformedCost
        /// A lot annotation that does not parse.
        case malformedLot
        /// A transaction's first line or one of its postings does not parse.
        case malformedTransaction
        /// A text in quotes without its end, or with an unknown escape.
        case malformedString
        /// A metadata line that does not parse.
        case malformedMetadata
        /// More than one posting of a group has no amount.
        case severalElided
        /// A transaction does not sum to zero by its book's own rules.
        case unbalanced
        /// A balance assertion does not hold.
        case assertionFailed
        /// A balance assignment that cannot be computed.
        case unsupportedAssignment
        /// The query of an automated transaction that needs more than account patterns.
        case unsupportedQuery
        /// An account is used that is not open at that date.
        case accountNotOpen
        /// An account is opened twice, or closed without being open.
        case accountLifecycle
        /// A commodity that the account's `open` does not allow.
        case currencyNotAllowed
        /// A reduction matches no lot, or lots too small.
        case lotNotFound
        /// A reduction matches several lots and the booking method does not choose.
        case ambiguousLot
        /// A `pad` that no balance assertion needed, or that would pad lots held at cost.
        case unusablePad
        /// An option that would change balances, but is not supported.
        case unsupportedOption
        /// A plugin that is not known to leave balances alone.
        case unsupportedPlugin
        /// Two commodities would become one asset.
        case assetCollision
        /// An override that does not parse or names no legal asset.
        case illegalOverride
        /// An amount with more decimals than its asset has.
        case scaleTooFine
        /// Two accounts would become one address.
        case accountCollision
        /// An account would become an address the importer needs for itself.
        case reservedAccount
        /// An account whose address is longer than an address may be.
        case accountTooLong
    }

    /// The reason, for programs.
    package let code: Code
    /// The place, or nil when the reason lies in the options.
    package let position: SourcePosition?
    /// What was expected and what was found, for people.
    package let message: String

    /// Makes an error.
    package init(_ code: Code, at position: SourcePosition?, _ message: String) {
        self.code = code
        self.position = position
        self.message = message
    }

    /// One line: place, message, code.
    package var description: String {
        let place = position.map { "\($0): " } ?? ""
        return "\(place)\(message) [\(code.rawValue)]"
    }
}

extension ImportError {
    /// Turns a failed calculation into an error at a place.
    init(_ failure: ArithmeticFailure, at position: SourcePosition, in subject: String) {
        switch failure {
        case .tooLarge:
            self.init(.amountTooLarge, at: position, "\(subject) needs more than 2,048 bits")
        case .divisionByZero:
            self.init(.divisionByZero, at: position, "\(subject) divides by zero")
        case .inexact:
            self.init(
                .inexactDivision,
                at: position,
                "\(subject) has no finite decimal result; write the amount out"
            )
        }
    }
}

/// Runs exact arithmetic and gives a failure its place.
func calculating<Value>(
    _ subject: String,
    at position: SourcePosition,
    _ work: () throws(ArithmeticFailure) -> Value
) throws(ImportError) -> Value {
    do {
        return try work()
    } catch {
        throw ImportError(error, at: position, in: subject)
    }
}
