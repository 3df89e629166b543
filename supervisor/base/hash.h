/* FNV-1a, 64 bits: tells configurations and records apart, resists nobody. */
#ifndef LOOPKEEPER_BASE_HASH_H
#define LOOPKEEPER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_INIT UINT64_C(0xcbf29ce484222325)

/* Continues hash (HASH_INIT at first) over n bytes. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n);

#endif
