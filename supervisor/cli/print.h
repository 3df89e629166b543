/* What several commands print alike: ages, times, colours, columns, JSON. */
#ifndef LOOPKEEPER_CLI_PRINT_H
#define LOOPKEEPER_CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/cli.h"

#define PRINT_TIME_SIZE 32

enum print_colour { PRINT_PLAIN, PRINT_GREEN, PRINT_YELLOW, PRINT_RED };

/* Columns of the terminal, 80 where there is none. */
int print_width(void);

/* The sequence that begins a colour, "" when there is to be none; and the
 * one that ends it. */
const char *print_begin(bool colour, enum print_colour which);
const char *print_end(bool colour, enum print_colour which);

/* A stored time (ISO 8601 or SQLite's) as local time: "14:02:11" today,
 * "2026-01-07 14:02:11" before. What is no time is passed on as it is. */
void print_time(char buf[static PRINT_TIME_SIZE], const char *stored);

/* ms since a stored time, never negative; -1 when it is none. */
int64_t print_age_ms(const char *stored);

/* text, cut to columns characters with "..." at the end, cleaned of control
 * characters; for one line of a table. */
void print_cut(char *buf, size_t size, const char *text, int columns);

/* Prints text of any length that others wrote: control characters but newline
 * and tab become '?'. */
void print_clean(const char *text);

/* Prints value and a newline; frees it. Returns code, or CLI_FAILED. */
int print_json(json_t *value, int code);

/* An array whose members are printed as they come, one on each line;
 * nbefore says how many there were before it. Frees value (NULL: out of
 * memory). Returns 0, or -1 with errno. print_json_end() comes behind all n of
 * them. */
int print_json_next(json_t *value, size_t nbefore);
void print_json_end(size_t n);

/* A JSON string of any bytes; what is no UTF-8 becomes '?'. NULL and "" for
 * things that are not set become null with print_json_set(). */
json_t *print_json_text(const char *text);
json_t *print_json_set(const char *text);

/* The text of an object's member; "" where there is none. */
const char *print_json_get(const json_t *object, const char *key);

/* Stored JSON text as JSON; as a string where it is none. */
json_t *print_json_raw(const char *text);

/* How a row of the database becomes an object: a member of its struct for each
 * key. */
enum print_kind {
	PRINT_TEXT,   /* const char *; null where it isn't set */
	PRINT_STORED, /* const char *, JSON */
	PRINT_NUMBER, /* int64_t */
	PRINT_SOME,   /* int64_t; null for 0 */
	PRINT_KNOWN,  /* int64_t; null below 0 */
	PRINT_FLAG,   /* int64_t as true or false */
	PRINT_REAL,   /* double; null below 0 */
};
struct print_field {
	const char *key;
	enum print_kind kind;
	size_t offset;
};
/* The field of that member, which is its key too. */
#define PRINT_FIELD(row, kind, member)               \
	{                                            \
#member, kind, offsetof(row, member) \
	}

json_t *
print_json_row(const struct print_field *fields, size_t n, const void *row);

#endif
