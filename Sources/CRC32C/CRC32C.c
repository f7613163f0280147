#include "CRC32C.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HARDWARE __attribute__((target("sse4.2")))
#define STEP8(crc, word) ((uint32_t)_mm_crc32_u64((crc), (word)))
#define STEP1(crc, byte) _mm_crc32_u8((crc), (byte))
#elif defined(__aarch64__)
#include <arm_acle.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#if defined(__ARM_FEATURE_CRC32)
#define HARDWARE
#else
#define HARDWARE __attribute__((target("crc")))
#endif
#define STEP8(crc, word) __crc32cd((crc), (word))
#define STEP1(crc, byte) __crc32cb((crc), (byte))
#endif

// The polynomial, bit-reversed.
static const uint32_t polynomial = 0x82f63b78;

// table[k][byte]: what `byte` becomes when k zero bytes follow it.
static uint32_t table[8][256];

static inline uint64_t load8(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

// All functions named `raw` work on the inverted value, as the register holds it.
static uint32_t rawPortable(uint32_t crc, const uint8_t *bytes, size_t count) {
    while (count >= 8) {
        uint64_t word = load8(bytes) ^ crc;
        crc = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^
              table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
              table[1][word >> 48 & 255] ^ table[0][word >> 56];
        bytes += 8;
        count -= 8;
    }
    while (count > 0) {
        crc = crc >> 8 ^ table[0][(crc ^ *bytes) & 255];
        bytes += 1;
        count -= 1;
    }
    return crc;
}

#ifdef HARDWARE

static int hasInstruction = 0;

// The instruction takes three cycles and another can begin in each, so long input is computed as three streams side by
// side, which are put together by what a value becomes when a stream's length of zeros follows it.
enum { longStream = 2048, shortStream = 128 };
static uint32_t longShift[4][256];
static uint32_t shortShift[4][256];

static inline uint32_t shifted(uint32_t shift[4][256], uint32_t crc) {
    return shift[0][crc & 255] ^ shift[1][crc >> 8 & 255] ^ shift[2][crc >> 16 & 255] ^ shift[3][crc >> 24];
}

#define THREE_STREAMS(length, shift)                                                                                  \
    while (count >= 3 * length) {                                                                                     \
        uint64_t second = 0, third = 0, first = crc;                                                                  \
        for (size_t at = 0; at < length; at += 8) {                                                                   \
            first = STEP8(first, load8(bytes + at));                                                                  \
            second = STEP8(second, load8(bytes + length + at));                                                       \
            third = STEP8(third, load8(bytes + 2 * length + at));                                                     \
        }                                                                                                             \
        crc = shifted(shift, shifted(shift, (uint32_t)first) ^ (uint32_t)second) ^ (uint32_t)third;                   \
        bytes += 3 * length;                                                                                          \
        count -= 3 * length;                                                                                          \
    }

HARDWARE static uint32_t rawHardware(uint32_t crc, const uint8_t *bytes, size_t count) {
    THREE_STREAMS(longStream, longShift)
    THREE_STREAMS(shortStream, shortShift)
    uint64_t wide = crc;
    while (count >= 8) {
        wide = STEP8(wide, load8(bytes));
        bytes += 8;
        count -= 8;
    }
    crc = (uint32_t)wide;
    while (count > 0) {
        crc = STEP1(crc, *bytes);
        bytes += 1;
        count -= 1;
    }
    return crc;
}

HARDWARE static uint32_t rawNumberHardware(uint32_t crc, uint64_t number) { return STEP8(crc, number); }

HARDWARE static uint32_t rawNumberAnd12Hardware(uint32_t crc, uint64_t number, const uint8_t *bytes) {
    uint64_t wide = STEP8(crc, number);
    wide = STEP8(wide, load8(bytes));
    uint32_t last;
    memcpy(&last, bytes + 8, sizeof last);
#if defined(__x86_64__)
    return _mm_crc32_u32((uint32_t)wide, last);
#else
    return __crc32cw((uint32_t)wide, last);
#endif
}

// Linear: what a value becomes is the sum of what its bits become.
static void fillShift(uint32_t shift[4][256], size_t length) {
    static const uint8_t zeros[longStream];
    for (int place = 0; place < 4; place += 1) {
        for (int bit = 0; bit < 8; bit += 1) {
            uint32_t alone = rawPortable((uint32_t)1 << (8 * place + bit), zeros, length);
            for (int below = 0; below < 1 << bit; below += 1) {
                shift[place][1 << bit | below] = shift[place][below] ^ alone;
            }
        }
    }
}

static int findInstruction(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
#elif defined(__linux__)
    return (getauxval(AT_HWCAP) & (1ul << 7)) != 0;
#else
    return 1;
#endif
}

#endif

// Before anything else of the program runs, so that no thread can meet half a table.
__attribute__((constructor)) static void fillTables(void) {
    for (uint32_t byte = 0; byte < 256; byte += 1) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit += 1) crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
        table[0][byte] = crc;
    }
    for (int k = 1; k < 8; k += 1) {
        for (int byte = 0; byte < 256; byte += 1) {
            uint32_t before = table[k - 1][byte];
            table[k][byte] = before >> 8 ^ table[0][before & 255];
        }
    }
#ifdef HARDWARE
    hasInstruction = findInstruction();
    if (hasInstruction) {
        fillShift(longShift, longStream);
        fillShift(shortShift, shortStream);
    }
#endif
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t count) { return ~rawPortable(~crc, bytes, count); }

uint32_t crc32c(uint32_t crc, const void *bytes, size_t count) {
#ifdef HARDWARE
    if (hasInstruction) return ~rawHardware(~crc, bytes, count);
#endif
    return ~rawPortable(~crc, bytes, count);
}

uint32_t crc32c_number(uint32_t crc, uint64_t number) {
#ifdef HARDWARE
    if (hasInstruction) return ~rawNumberHardware(~crc, number);
#endif
    return ~rawPortable(~crc, (const uint8_t *)&number, sizeof number);
}

uint32_t crc32c_number_and_12_bytes(uint32_t crc, uint64_t number, const void *bytes) {
#ifdef HARDWARE
    if (hasInstruction) return ~rawNumberAnd12Hardware(~crc, number, bytes);
#endif
    return ~rawPortable(rawPortable(~crc, (const uint8_t *)&number, sizeof number), bytes, 12);
}
