/* SPDX-License-Identifier: Apache-2.0
 *
 * CRC32C: the instruction of SSE4.2 where there is one, else eight tables (slicing by eight). The
 * choice is made once, before main, together with the tables.
 */
#include "ctally.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u

static uint32_t table[8][256];

uint32_t tally_crc32c_table(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint32_t value = ~crc;
    while (count >= 8) {
        value ^= (uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
                 (uint32_t)next[3] << 24;
        value = table[7][value & 255] ^ table[6][value >> 8 & 255] ^ table[5][value >> 16 & 255] ^
                table[4][value >> 24] ^ table[3][next[4]] ^ table[2][next[5]] ^ table[1][next[6]] ^
                table[0][next[7]];
        next += 8;
        count -= 8;
    }
    while (count--) value = value >> 8 ^ table[0][(value ^ *next++) & 255];
    return ~value;
}

static uint32_t (*chosen)(uint32_t, const void *, size_t) = tally_crc32c_table;

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t with_instruction(
    uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    uint64_t value = (uint32_t)~crc;
    while (count >= 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        value = _mm_crc32_u64(value, word);
        next += 8;
        count -= 8;
    }
    while (count--) value = _mm_crc32_u8((uint32_t)value, *next++);
    return ~(uint32_t)value;
}

static int has_instruction(void) {
    uint32_t a = 1, b, c = 0, d;
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    (void)b;
    (void)d;
    return (c >> 20 & 1) != 0;
}
#endif

__attribute__((constructor)) static void choose(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
        table[0][byte] = value;
    }
    for (int row = 1; row < 8; row++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t before = table[row - 1][byte];
            table[row][byte] = before >> 8 ^ table[0][before & 255];
        }
#if defined(__x86_64__)
    if (has_instruction()) chosen = with_instruction;
#endif
}

uint32_t tally_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return chosen(crc, bytes, count);
}
