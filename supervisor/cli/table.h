/* A small table for a terminal: columns as wide as what is in them. */
#ifndef LOOPKEEPER_CLI_TABLE_H
#define LOOPKEEPER_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/print.h"

#define TABLE_COLUMNS_MAX 10
#define TABLE_CELL_SIZE	  160

struct table_row {
	char cells[TABLE_COLUMNS_MAX][TABLE_CELL_SIZE];
	enum print_colour colours[TABLE_COLUMNS_MAX];
	char note[320]; /* printed below, indented; "" for none */
};

struct table {
	const char *const *titles;
	size_t ncolumns;
	unsigned hidden; /* bit i: column i isn't printed */
	struct table_row *rows;
	size_t nrows;
	size_t size;
	bool colour;
};

/* titles are the caller's and outlive the table. */
void table_init(
    struct table *t, const char *const *titles, size_t ncolumns, bool colour);

/* A new, empty row at the end, valid until the next one; NULL with ENOMEM. */
struct table_row *table_add(struct table *t);

void table_print(const struct table *t);
void table_free(struct table *t);

#endif
