// SPDX-License-Identifier: Apache-2.0
//
// What the cache holds for a key now, for reads of single rows beside admission. Pure. The
// sequencer asks it before and after it reads the store: a value that is cached is the newer one.

import TallyCodec
package import TallyTypes

/// What the cache holds for a key.
package enum CachedValue: Hashable, Sendable {
    /// Its value, or nil when it has none.
    case held(StateValue?)
    /// The key is in neither generation: the store has the newest value.
    case absent
}

extension Kernel {
    /// What the cache holds for a key, as of the last applied entry.
    package func cached(_ key: StateKey) -> CachedValue {
        let hash = KeyHash(of: StateCodec.encodeKey(key), under: secrets)
        guard case .hit(let handle) = cache.reach(hash, distance: 0) else { return .absent }
        return .held(cache.value(handle))
    }
}
