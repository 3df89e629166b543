/*
 * Tests from a JSON file: an array with the columns of table tests, or the
 * older loops' test-state.json (an object whose `tests` is an array, or an
 * object by id). Both become objects with the columns' names and types;
 * whatever is wrong is said, all of it.
 */
#ifndef LOOPKEEPER_CLI_IMPORT_READ_H
#define LOOPKEEPER_CLI_IMPORT_READ_H

#include <stdbool.h>

#include <jansson.h>

#include "store/queries_tests.h"

struct import {
	const char *path; /* of the file, for messages */
	bool legacy;	  /* test-state.json: what isn't known is passed over */
	json_t *tests;	  /* array of objects, each with an id */
	int nerrors;
};

/* Reads and checks each test by itself. Returns 0, also with nerrors > 0, or
 * -1 when there is nothing to go on with. Errors go to stderr. */
int import_read(struct import *im, const char *path);
void import_free(struct import *im);

/* One more error, about the test of that index. */
void import_error(struct import *im, size_t index, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One test as a row; its texts live as long as the test. */
void import_row(const json_t *test, struct test_row *ret);

/* A column's text of one test; NULL when it isn't set. */
const char *import_text(const json_t *test, const char *column);

#endif
