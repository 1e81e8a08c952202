// SPDX-License-Identifier: Apache-2.0
//
// A report as JSON, for machines: the same words as for people, one object. Imports TallyTypes and
// TallyCodec; printed by the command line.
//
//     {"records":2,"root":"…","exit":1,
//      "checks":[{"check":"records","verdict":"ok"},
//                {"check":"chain","verdict":"refuted","finding":{"reason":"CHAIN_PREV",
//                 "detail":"…","index":1,"book":"…","offset":93}},
//                {"check":"rows","verdict":"unchecked","missing":"…"}],
//      "others":[],"notes":[]}

import TallyCodec
import TallyTypes

extension Report {
    /// The compact JSON text of the report.
    package var json: [UInt8] {
        var writer = JSONWriter(style: .plain)
        writer.beginObject()
        writer.member("records", records)
        writer.member("root", root.description)
        writer.member("exit", UInt64(exitCode))
        writer.key("checks")
        writer.beginArray()
        for check in checks {
            write(check, &writer)
        }
        writer.endArray()
        writer.key("others")
        writer.beginArray()
        for finding in others {
            write(finding, &writer)
        }
        writer.endArray()
        writer.key("notes")
        writer.beginArray()
        for note in notes {
            writer.string(note)
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    private func write(_ check: Check, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("check", check.name)
        switch check.verdict {
        case .ok:
            writer.member("verdict", "ok")
        case .refuted(let finding):
            writer.member("verdict", "refuted")
            writer.key("finding")
            write(finding, &writer)
        case .unchecked(let missing):
            writer.member("verdict", "unchecked")
            writer.member("missing", missing)
        }
        writer.endObject()
    }

    private func write(_ finding: Finding, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("reason", finding.reason.rawValue)
        writer.member("detail", finding.detail)
        if let index = finding.index { writer.member("index", index.rawValue) }
        if let book = finding.book { writer.member("book", book.description) }
        if let offset = finding.offset { writer.member("offset", offset) }
        if let row = finding.row { writer.member("row", row) }
        if let file = finding.file { writer.member("file", file) }
        writer.endObject()
    }
}
