/* Tests as JSON, wherever they are printed. */
#ifndef LOOPKEEPER_CLI_TESTS_H
#define LOOPKEEPER_CLI_TESTS_H

#include "cli/print.h"
#include "store/queries_tests.h"

/* An object with the columns of table tests. NULL: out of memory. */
json_t *tests_json(const struct test_row *test);

#endif
