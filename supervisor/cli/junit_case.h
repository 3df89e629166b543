/*
 * What a case of a JUnit report is to us: where its file is, which directory
 * it belongs to, and the id of its test. All of it depends on the case alone,
 * so that the same case is the same test in each report.
 *
 * The file is what the report calls so: an attribute `file` or `filepath` of
 * the case (jest-junit's and pytest's when asked for, mocha's) or of its
 * suite. Where there is none, it is a classname or a suite's name that is a
 * path to a source file (vitest's); else, and only then, a classname as
 * pytest's, `tests.test_x.TestY`, means tests/test_x.py: a module is what
 * begins with test_ or ends with _test. gotestsum, nextest and ctest tell no
 * file.
 */
#ifndef LOOPKEEPER_CLI_JUNIT_CASE_H
#define LOOPKEEPER_CLI_JUNIT_CASE_H

#include <stddef.h>

#include "cli/junit_report.h"
#include "store/attempts.h"

/*
 * Makes c->file what is meant by it, "" where the report doesn't tell. One
 * inside one of the root directories becomes relative to it: whoever verifies
 * has a tree of his own. Returns 0, or -1 with ENOMEM.
 */
int junit_case_locate(
    struct junit_case *c, const char *const *roots, size_t nroots);

/*
 * The directory of a located case, for its category: that of its file; where
 * there is none its class (a Go package, a Rust binary) or its suite. "" when
 * these say no more than its name, or mean everything.
 */
void junit_case_directory(
    const struct junit_case *c, char ret[static JUNIT_PATH_SIZE]);

/*
 * The test's id of a located case: what one can read of its file or class, of
 * its name, and a hash of all three, "src-math-add-test-adds-two-1b2c3d4e5f".
 */
void
junit_case_id(const struct junit_case *c, char ret[static ATTEMPT_TEST_SIZE]);

#endif
