/* SPDX-License-Identifier: Apache-2.0
 *
 * A key out of a passphrase, by libcrypto; ctally.h says what it takes. Called by TallyProof.
 */
#include "ctally.h"

#include <openssl/evp.h>

int tally_scrypt(const void *passphrase, size_t passphrase_count, const void *salt,
                 size_t salt_count, uint64_t cost, void *key, size_t key_count) {
    const uint64_t memory = 256u << 20;
    return EVP_PBE_scrypt(passphrase, passphrase_count, salt, salt_count, cost, 8, 1, memory, key,
                          key_count) == 1;
}
