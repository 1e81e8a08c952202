// SPDX-License-Identifier: Apache-2.0
//
// The tables of view files; docs/formats/views.md says what every column means. A change here is
// another version: files of another version are thrown away and folded again. Texts compare by
// their bytes (BINARY is SQLite's default). Imports own types only; ViewFile.swift makes the
// tables, ViewDump.swift reads every one of them in the order given.

import TallyTypes

/// What a view file holds, by the kind of its book.
enum ViewSchema {
    /// The version of all view files, in `user_version`.
    static let version: Int64 = 1

    /// A table with the columns that order its rows.
    struct Table: Hashable, Sendable {
        /// Its name.
        let name: String
        /// Its primary key.
        let key: String
        /// Its columns, and its indexes as whole statements.
        let columns: String
        /// What stands after the columns.
        var suffix = ""
        /// The statements that make its indexes.
        var indexes: [String] = []

        /// The statements that make the table and its indexes.
        var statements: [String] { ["CREATE TABLE \(name) (\(columns)) STRICT\(suffix)"] + indexes }
    }

    /// The tables of a kind of book.
    static func tables(_ kind: BookKind) -> [Table] {
        switch kind {
        case .system: system
        case .accounts: accounts
        case .journal: journal
        }
    }

    private static let system = [
        Table(
            name: "state",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY CHECK (id = 1), next_record INTEGER NOT NULL,
                next_sequence INTEGER NOT NULL, books INTEGER NOT NULL, origin BLOB NOT NULL,
                entries_per_generation INTEGER NOT NULL, metadata BLOB NOT NULL
                """
        ),
        Table(
            name: "books",
            key: "number",
            columns: """
                number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
                kind INTEGER NOT NULL, bucket BLOB NOT NULL, features BLOB NOT NULL,
                metadata BLOB NOT NULL, added_at INTEGER NOT NULL, deleted_at INTEGER,
                record INTEGER NOT NULL, next_sequence INTEGER NOT NULL
                """,
            indexes: ["CREATE INDEX books_kind ON books (kind)"]
        ),
    ]

    private static let accounts = [
        Table(
            name: "state",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY CHECK (id = 1), next_record INTEGER NOT NULL,
                next_sequence INTEGER NOT NULL, transactions INTEGER NOT NULL,
                accounts INTEGER NOT NULL, assets INTEGER NOT NULL,
                moves INTEGER NOT NULL
                """
        ),
        Table(
            name: "assets",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first_usage INTEGER NOT NULL,
                input ANY NOT NULL, input_carries INTEGER NOT NULL,
                output ANY NOT NULL, output_carries INTEGER NOT NULL
                """
        ),
        Table(
            name: "accounts",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, first_usage INTEGER NOT NULL,
                insertion_date INTEGER NOT NULL, updated_at INTEGER NOT NULL, metadata BLOB NOT NULL
                """,
            indexes: ["CREATE INDEX accounts_first_usage ON accounts (first_usage)"]
        ),
        Table(
            name: "volumes",
            key: "account, asset",
            columns: """
                account INTEGER NOT NULL, asset INTEGER NOT NULL, input ANY NOT NULL,
                output ANY NOT NULL, first_usage INTEGER NOT NULL, last_usage INTEGER NOT NULL,
                last_move INTEGER NOT NULL, PRIMARY KEY (account, asset)
                """,
            suffix: ", WITHOUT ROWID"
        ),
        Table(
            name: "transactions",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY, record INTEGER NOT NULL, log INTEGER NOT NULL,
                timestamp INTEGER NOT NULL, inserted_at INTEGER NOT NULL,
                updated_at INTEGER NOT NULL, reference BLOB, reverted_by INTEGER,
                reverted_at INTEGER, metadata BLOB NOT NULL, postings BLOB NOT NULL,
                first_move INTEGER NOT NULL, moves INTEGER NOT NULL
                """,
            indexes: [
                "CREATE INDEX transactions_timestamp ON transactions (timestamp)",
                """
                CREATE UNIQUE INDEX transactions_reference ON transactions (reference)
                WHERE reference IS NOT NULL
                """,
            ]
        ),
        Table(
            name: "moves",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY, account INTEGER NOT NULL, asset INTEGER NOT NULL,
                tx INTEGER NOT NULL, timestamp INTEGER NOT NULL, latest INTEGER NOT NULL,
                previous INTEGER NOT NULL, input ANY NOT NULL, output ANY NOT NULL
                """
        ),
        Table(
            name: "logs",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY, record INTEGER NOT NULL, kind INTEGER NOT NULL,
                date INTEGER NOT NULL, idempotency BLOB
                """
        ),
        Table(
            name: "metadata_history",
            key: "target, id, record",
            columns: """
                target INTEGER NOT NULL, id INTEGER NOT NULL, record INTEGER NOT NULL,
                date INTEGER NOT NULL, metadata BLOB NOT NULL, PRIMARY KEY (target, id, record)
                """,
            suffix: ", WITHOUT ROWID"
        ),
    ]

    private static let journal = [
        Table(
            name: "state",
            key: "id",
            columns: """
                id INTEGER PRIMARY KEY CHECK (id = 1), next_record INTEGER NOT NULL,
                next_sequence INTEGER NOT NULL, events INTEGER NOT NULL
                """
        ),
        Table(
            name: "events",
            key: "seq",
            columns: """
                seq INTEGER PRIMARY KEY, log_index INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
                occurred_at INTEGER, entity_type TEXT NOT NULL, entity_id TEXT NOT NULL,
                field TEXT NOT NULL, action INTEGER NOT NULL, old_value TEXT, new_value TEXT,
                actor TEXT NOT NULL, source TEXT NOT NULL, workspace_id TEXT
                """,
            indexes: [
                "CREATE UNIQUE INDEX events_log_index ON events (log_index)",
                "CREATE INDEX events_entity ON events (entity_type, entity_id, seq)",
                "CREATE INDEX events_field ON events (entity_type, entity_id, field, seq)",
                "CREATE INDEX events_type ON events (entity_type, seq)",
                "CREATE INDEX events_action ON events (action, seq)",
                "CREATE INDEX events_actor ON events (actor, seq)",
                "CREATE INDEX events_source ON events (source, seq)",
                "CREATE INDEX events_workspace ON events (workspace_id, seq)",
            ]
        ),
    ]
}
