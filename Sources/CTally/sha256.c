/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 by libcrypto's low-level calls: they keep their state on the stack and cost little beside
 * the compression itself, which uses the processor's SHA instructions where there are any. They are
 * deprecated for new programs in favour of an interface that allocates for each hash; measured in
 * docs/adr/0009-libcrypto-for-leaf-and-node-hashes.md.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "ctally.h"

#include <openssl/sha.h>
#include <string.h>

static uint64_t word(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, 8);
    return __builtin_bswap64(value);
}

static void put(uint8_t *bytes, uint64_t value) {
    value = __builtin_bswap64(value);
    memcpy(bytes, &value, 8);
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "word() and put() assume a little-endian machine"
#endif

static tally_digest finish(SHA256_CTX *state) {
    uint8_t bytes[SHA256_DIGEST_LENGTH];
    SHA256_Final(bytes, state);
    tally_digest digest = {word(bytes), word(bytes + 8), word(bytes + 16), word(bytes + 24)};
    return digest;
}

tally_digest tally_sha256(const void *bytes, size_t count) {
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, bytes, count);
    return finish(&state);
}

tally_digest tally_sha256_prefixed(uint8_t first, const void *bytes, size_t count) {
    SHA256_CTX state;
    SHA256_Init(&state);
    SHA256_Update(&state, &first, 1);
    SHA256_Update(&state, bytes, count);
    return finish(&state);
}

tally_digest tally_sha256_node(uint8_t first, tally_digest left, tally_digest right) {
    uint8_t input[65];
    input[0] = first;
    put(input + 1, left.word0);
    put(input + 9, left.word1);
    put(input + 17, left.word2);
    put(input + 25, left.word3);
    put(input + 33, right.word0);
    put(input + 41, right.word1);
    put(input + 49, right.word2);
    put(input + 57, right.word3);
    return tally_sha256(input, sizeof input);
}
