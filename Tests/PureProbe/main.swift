// SPDX-License-Identifier: Apache-2.0
//
// A program of the pure modules alone. CI reads which libraries its binary needs: Foundation must
// not be among them. It is run once, so that it is known to link and start.

import TallyChecker
import TallyCodec
import TallyImport
import TallyKernel
import TallyProof
import TallyTypes

print("pure modules: \(InvariantID.allCases.count) invariants, no Foundation")
