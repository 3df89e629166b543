/* Sizes as people write them: "512M", "2G". In memory they are int64_t bytes.
 */
#ifndef LOOPKEEPER_BASE_SIZE_H
#define LOOPKEEPER_BASE_SIZE_H

#include <stdint.h>

#define SIZE_TEXT_SIZE 32

/* Exact, in the largest unit (of 1024) that makes a whole number: "1G", "10M",
 * "1500". */
void size_format_exact(char buf[static SIZE_TEXT_SIZE], int64_t bytes);

#endif
