// SPDX-License-Identifier: Apache-2.0
//
// The pages as text, within the program, so that no folder has to lie beside it. Two braces escape
// for HTML; three, which do not, are used nowhere, and a test says so. Imports Mustache;
// ConsolePages renders them.

package import Mustache

/// The templates of the console.
package enum ConsoleTemplates {
    /// Every template by name.
    package static let sources: [(name: String, text: String)] = [
        ("top", top), ("end", end), ("node", node), ("books", books), ("book", book),
        ("record", record), ("problem", problem),
    ]

    /// All templates, parsed; a broken one is a fault of the first page that is asked for.
    package static let library = Result<MustacheLibrary, any Error> {
        var library = MustacheLibrary()
        for source in sources {
            try library.register(source.text, named: source.name)
        }
        return library
    }

    private static let top = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{title}} – Tallystick</title>
        <link rel="stylesheet" href="/console.css">
        </head>
        <body>
        <a class="skip" href="#content">Skip to content</a>
        <header>
        <p class="brand"><a href="/">Tallystick</a></p>
        <nav aria-label="Main"><a href="/">Node</a> <a href="/books">Books</a></nav>
        </header>
        <main id="content">
        <h1>{{title}}</h1>

        """

    private static let end = """
        </main>
        <footer><p>{{footer}}</p></footer>
        </body>
        </html>

        """

    private static let node = """
        {{> top}}
        {{#notReady}}<p class="warning" role="status">Not ready: {{notReady}}</p>\
        {{/notReady}}
        <section aria-labelledby="head">
        <h2 id="head">Head of the ledger</h2>
        <dl>
        <dt>Origin</dt><dd>{{origin}}</dd>
        <dt>Records</dt><dd>{{size}}</dd>
        <dt>Root</dt><dd><code>{{root}}</code></dd>
        <dt>Log index</dt><dd>{{logIndex}}</dd>
        <dt>Version</dt><dd>{{version}}</dd>
        </dl>
        </section>
        <section aria-labelledby="records">
        <h2 id="records">Last records</h2>
        {{#hasRecords}}
        <table>
        <thead><tr><th scope="col" class="number">Record</th><th scope="col">Time</th>\
        <th scope="col">Book</th><th scope="col">Kind</th><th scope="col">Outcome</th></tr></thead>
        <tbody>
        {{#records}}
        <tr><th scope="row" class="number"><a href="/records/{{index}}">{{index}}</a></th>\
        <td>{{time}}</td><td>{{book}}</td><td>{{kind}}</td><td>{{outcome}}</td></tr>
        {{/records}}
        </tbody>
        </table>
        {{/hasRecords}}
        {{^hasRecords}}<p>None yet.</p>{{/hasRecords}}
        </section>
        {{> end}}
        """

    private static let books = """
        {{> top}}
        {{#hasBooks}}
        <table>
        <thead><tr><th scope="col">Name</th><th scope="col">Kind</th><th scope="col">Bucket</th>\
        <th scope="col">Created</th><th scope="col" class="number">Record</th></tr></thead>
        <tbody>
        {{#books}}
        <tr><th scope="row"><a href="/books/{{name}}">{{name}}</a></th><td>{{kind}}</td>\
        <td>{{bucket}}</td><td>{{addedAt}}</td>\
        <td class="number"><a href="/records/{{record}}">{{record}}</a></td></tr>
        {{/books}}
        </tbody>
        </table>
        {{/hasBooks}}
        {{^hasBooks}}<p>No book yet.</p>{{/hasBooks}}
        {{#pages}}<nav class="pages" aria-label="Pages">{{#previous}}<a href="{{previous}}">\
        Previous</a>{{/previous}} {{#next}}<a href="{{next}}">Next</a>{{/next}}</nav>{{/pages}}
        {{> end}}
        """

    private static let book = """
        {{> top}}
        <dl>
        <dt>Kind</dt><dd>{{kind}}</dd>
        <dt>Id</dt><dd><code>{{id}}</code></dd>
        <dt>Created</dt><dd>{{addedAt}}, <a href="/records/{{record}}">record {{record}}</a></dd>
        {{#counts}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/counts}}
        {{#metadata}}<dt>{{name}}</dt><dd>{{value}}</dd>{{/metadata}}
        </dl>
        {{#tables}}
        <section aria-labelledby="{{anchor}}">
        <h2 id="{{anchor}}">{{caption}}</h2>
        {{#hasRows}}
        <table>
        <thead><tr>{{#columns}}<th scope="col"{{#isNumber}} class="number"{{/isNumber}}>\
        {{name}}</th>{{/columns}}</tr></thead>
        <tbody>
        {{#rows}}
        <tr>{{#cells}}<td{{#isNumber}} class="number"{{/isNumber}}>{{#link}}<a href="{{link}}">\
        {{text}}</a>{{/link}}{{^link}}{{text}}{{/link}}</td>{{/cells}}</tr>
        {{/rows}}
        </tbody>
        </table>
        {{/hasRows}}
        {{^hasRows}}<p>None yet.</p>{{/hasRows}}
        {{#pages}}<nav class="pages" aria-label="Pages of {{caption}}">{{#previous}}\
        <a href="{{previous}}">Previous</a>{{/previous}} {{#next}}<a href="{{next}}">Next</a>\
        {{/next}}</nav>{{/pages}}
        </section>
        {{/tables}}
        {{> end}}
        """

    private static let record = """
        {{> top}}
        <dl>
        {{#facts}}<dt>{{name}}</dt><dd>{{#link}}<a href="{{link}}">{{value}}</a>{{/link}}\
        {{^link}}{{value}}{{/link}}</dd>
        {{/facts}}
        </dl>
        <section aria-labelledby="words">
        <h2 id="words">In words</h2>
        <pre>{{json}}</pre>
        </section>
        {{> end}}
        """

    private static let problem = """
        {{> top}}
        <p role="alert">{{message}}</p>
        {{> end}}
        """

    /// The style of every page: light or dark as the reader's system is, no font from elsewhere.
    static let style = """
        :root { color-scheme: light dark; --ink: #1b1f24; --paper: #fdfdfc; --line: #d5d8dc;
          --quiet: #59636e; --link: #0b57a4; --warn: #8a3b00; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #e6e8ea; --paper: #15181c; --line: #39404a; --quiet: #9aa4b0;
            --link: #7db7f5; --warn: #ffb37a; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 72rem; padding: 0 1.25rem 3rem; background: var(--paper);
          color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
        header { display: flex; gap: 2rem; align-items: baseline; padding: 1rem 0;
          border-bottom: 1px solid var(--line); }
        .brand { margin: 0; font-weight: 650; }
        nav a { margin-right: 1rem; }
        a { color: var(--link); }
        a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        .skip { position: absolute; left: -100rem; }
        .skip:focus { left: 1rem; top: .5rem; background: var(--paper); padding: .25rem .5rem; }
        h1 { font-size: 1.6rem; margin: 1.5rem 0 1rem; overflow-wrap: anywhere; }
        h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
        section { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: .35rem .75rem .35rem 0; vertical-align: top;
          border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
        thead th { color: var(--quiet); font-weight: 600; }
        tbody th { font-weight: 400; }
        .number { text-align: right; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; }
        dt { color: var(--quiet); }
        dd { margin: 0; overflow-wrap: anywhere; }
        code, pre { font: .875rem/1.5 ui-monospace, monospace; }
        pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line);
          padding: .75rem; }
        .warning { color: var(--warn); font-weight: 600; }
        footer { margin-top: 3rem; color: var(--quiet); border-top: 1px solid var(--line); }

        """
}
