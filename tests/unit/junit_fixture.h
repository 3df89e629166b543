/* What the tests of JUnit reports stand on: the report that was read last.
 * Whatever goes wrong in here fails the test. */
#ifndef LOOPKEEPER_TESTS_JUNIT_FIXTURE_H
#define LOOPKEEPER_TESTS_JUNIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/junit_case.h"
#include "cli/junit_report.h"

#define JUNIT_HASH_DIGITS 10 /* at the end of an id */

extern struct junit_report report;

/* For cmocka; forgets the report. */
int junit_teardown(void **state);

/* What cmocka would hand to each test stands here. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define TEST(name) cmocka_unit_test_teardown(name, junit_teardown)

/* Reads a report. Returns what junit_report_read() does. */
int read_report(const char *text);

/* Reads tests/unit/junit/NAME, in which n of nseen cases failed, and locates
 * these. */
void read_file(const char *name, size_t n, size_t nseen);

/* Reads a report of one case, and locates it. */
void one_case(const char *suite, const char *class_name, const char *name,
    const char *file);

/* Sees that the case at i is this, of that directory. */
void
is_case(size_t i, const char *name, const char *file, const char *directory);

#endif
