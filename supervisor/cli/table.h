/* A small table for a terminal: columns as wide as what is in them. */
#ifndef LOOPKEEPER_CLI_TABLE_H
#define LOOPKEEPER_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/print.h"

#define TABLE_COLUMNS_MAX 8

struct table_row {
	char *cells[TABLE_COLUMNS_MAX]; /* owned; NULL: empty */
	enum print_colour colours[TABLE_COLUMNS_MAX];
	char *note; /* owned; printed below, indented; NULL: none */
};

struct table {
	const char *const *titles;
	size_t ncolumns;
	unsigned hidden; /* bit i: column i isn't printed */
	struct table_row *rows;
	size_t nrows;
	bool colour;
	bool exhausted; /* out of memory: something is missing */
};

/* titles are the caller's and outlive the table. */
void table_init(
    struct table *t, const char *const *titles, size_t ncolumns, bool colour);

/* Begins a new row, which the calls below fill. That memory was missing is
 * told by table_print(). */
void table_begin_row(struct table *t);
void table_set(struct table *t, size_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void table_colour(struct table *t, size_t column, enum print_colour colour);
void table_note(struct table *t, const char *text);

/* How many columns of a terminal it would take as it is, notes not counted. */
int table_width(const struct table *t);

/* The last column is cut where the terminal ends. Returns 0, or -1 with
 * ENOMEM; then nothing was printed. */
int table_print(const struct table *t);
void table_free(struct table *t);

#endif
