/*
 * import --junit: one test for each failing case of a JUnit report. What is
 * there already stays as it is, so a later report adds only what is new.
 */
#ifndef LOOPKEEPER_CLI_IMPORT_JUNIT_H
#define LOOPKEEPER_CLI_IMPORT_JUNIT_H

#include <stdbool.h>

#include "cli/cli.h"

struct import_junit {
	const char *path;   /* of the report; "-": standard input */
	const char *verify; /* see junit_verify.h; NULL is an error */
	const char *loop;   /* that gets all of them; NULL: spread them */
	bool dry_run;
};

/* Returns an exit code. */
int import_junit(struct cli *cli, const struct import_junit *what);

#endif
