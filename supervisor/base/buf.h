/*
 * Text built up in memory that the caller owns. Nothing is allocated; what
 * does not fit is cut and remembered in `cut`, so that one check at the end
 * is enough. The text always ends with a NUL.
 */
#ifndef LOOPKEEPER_BASE_BUF_H
#define LOOPKEEPER_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;  /* the caller's; data[len] is always NUL */
	size_t size; /* of data, NUL included; at least 1 */
	size_t len;  /* < size */
	bool cut;    /* something did not fit */
};

/* Starts an empty text in data. size must be at least 1. */
void buf_init(struct buf *b, char *data, size_t size);

void buf_add(struct buf *b, const char *text);
void buf_add_bytes(struct buf *b, const void *bytes, size_t n);
void buf_addf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Adds text as a quoted JSON string (RFC 8259). Bytes that are no UTF-8
 * become U+FFFD, so that any child's output may be passed.
 */
void buf_add_json(struct buf *b, const char *text);

/* Adds text as one word of a command for sh, quoted where it needs that. */
void buf_add_word(struct buf *b, const char *text);

#endif
