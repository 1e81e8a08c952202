/* SPDX-License-Identifier: Apache-2.0
 *
 * The few things that Swift has no spelling for: CRC32C with the processor's instruction, SHA-256
 * of the system's libcrypto without an allocation for each hash, and a prefetch that inlines.
 * Imported by TallyProof, the kernel's passes, TallyLog and TallyStore.
 */
#ifndef CTALLY_H
#define CTALLY_H

#include <stddef.h>
#include <stdint.h>

/* CRC32C (Castagnoli, reflected, RFC 3720 appendix B.4) of `count` bytes, going on from `crc`:
 * tally_crc32c(0, "123456789", 9) == 0xE3069283, and the CRC of a followed by b is
 * tally_crc32c(tally_crc32c(0, a), b). Uses SSE4.2 where the processor has it. */
uint32_t tally_crc32c(uint32_t crc, const void *bytes, size_t count);

/* The same by table, on every processor; the tests compare the two. */
uint32_t tally_crc32c_table(uint32_t crc, const void *bytes, size_t count);

/* A SHA-256, as four big-endian words. */
typedef struct {
    uint64_t word0, word1, word2, word3;
} tally_digest;

/* The SHA-256 of `count` bytes. */
tally_digest tally_sha256(const void *bytes, size_t count);

/* The SHA-256 of one byte, then `count` bytes. */
tally_digest tally_sha256_prefixed(uint8_t first, const void *bytes, size_t count);

/* The SHA-256 of one byte, then two digests. */
tally_digest tally_sha256_node(uint8_t first, tally_digest left, tally_digest right);

/* A key out of a passphrase by scrypt (RFC 7914) with r = 8 and p = 1; `cost` is N, a power of two,
 * at most 256 MiB of memory. 1, or 0 when the library refuses. */
int tally_scrypt(const void *passphrase, size_t passphrase_count, const void *salt,
                 size_t salt_count, uint64_t cost, void *key, size_t key_count);

/* Begins to write dirty pages of a file and does not wait; 0, or the number of the error. Does
 * nothing where the system has no such call. */
int tally_begin_writing(int descriptor, int64_t offset, int64_t count);

/* Asks for the cache line at `address`, which will be written soon. */
static inline void tally_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

#endif
