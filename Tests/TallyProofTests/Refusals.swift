// SPDX-License-Identifier: Apache-2.0
//
// Which check said no, for the tests of this folder.

import TallyProof
import Testing

/// The code of the refusal that some work ended with; nil when it did not.
func code(_ body: () throws -> Void) -> EvidenceRefusal.Code? {
    do {
        try body()
        return nil
    } catch let refusal as EvidenceRefusal {
        return refusal.code
    } catch {
        Issue.record(error)
        return nil
    }
}
