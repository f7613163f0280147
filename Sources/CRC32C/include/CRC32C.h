#ifndef LEVERET_CRC32C_H
#define LEVERET_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/// CRC32C (Castagnoli) of `count` bytes, going on from `crc`, which is 0 at the beginning. Uses the processor's
/// instruction where it has one.
uint32_t crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same for a number, as its eight little-endian bytes.
uint32_t crc32c_number(uint32_t crc, uint64_t number);

/// CRC32C of `number` and the 12 bytes behind it: one call for what the journal computes most often.
uint32_t crc32c_number_and_12_bytes(uint32_t crc, uint64_t number, const void *bytes);

/// As `crc32c`, without the processor's instruction: for the tests, which compare both.
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
