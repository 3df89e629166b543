/* A test as JSON, for `tests` and `show`. */
#ifndef LOOPKEEPER_CLI_TESTS_H
#define LOOPKEEPER_CLI_TESTS_H

#include <jansson.h>

#include "store/queries_tests.h"

/* An object with the columns of table tests. */
json_t *tests_json(const struct test_row *test);

#endif
