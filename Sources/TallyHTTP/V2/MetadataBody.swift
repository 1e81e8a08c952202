// SPDX-License-Identifier: Apache-2.0
//
// The body of every route that sets metadata: an object whose values are strings. May import
// TallyCodec.

import TallyCodec
import TallyTypes

/// Reads bodies of metadata.
enum MetadataBody {
    /// The metadata in the body of a call.
    ///
    /// - Throws: ``Malformed`` with field and offset; also when there is no body.
    static func read(_ call: Call) throws(Malformed) -> Metadata {
        guard let body = try call.json() else {
            throw Malformed("expected an object, found nothing", field: "body")
        }
        return try JSONShape<Metadata>.metadata.read(body, 0)
    }
}
