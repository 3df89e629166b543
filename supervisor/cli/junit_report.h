/*
 * A JUnit XML report, as vitest, jest, pytest, gotestsum, nextest and ctest
 * write it: its failing cases, which are those with a <failure> or <error> of
 * their own. (What passed in the end after <flakyFailure> or <rerunFailure>
 * has none.) This is the only door to expat.
 *
 * Reports come from programs under test, so nothing in them is trusted: at
 * most 64 MB, 64 elements deep, 100,000 failing cases, names of 4 kB and 8 kB
 * of each failure are read. One with a DOCTYPE is refused, so that there are
 * no entities but those of XML itself.
 */
#ifndef LOOPKEEPER_CLI_JUNIT_REPORT_H
#define LOOPKEEPER_CLI_JUNIT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define JUNIT_BYTES_MAX	  (64 * 1024 * 1024)
#define JUNIT_DEPTH_MAX	  64
#define JUNIT_CASES_MAX	  100000
#define JUNIT_NAME_MAX	  4096 /* of a name, a class, a suite or a file */
#define JUNIT_DETAIL_SIZE 8192 /* of what a failure says, NUL included */
#define JUNIT_ERROR_SIZE  256
#define JUNIT_PATH_SIZE                                      \
	(JUNIT_NAME_MAX + 4) /* a file that was derived, too \
			      */

/* One failing case. Texts are owned, never NULL, "" where the report says
 * nothing. */
struct junit_case {
	char *suite;	  /* the innermost <testsuite>'s name */
	char *class_name; /* attribute classname */
	char *name;
	char *file;	/* attribute file or filepath, of the case or its
			   suite; see junit_case_locate() */
	char *detail;	/* message and text; without them its output */
	size_t line;	/* of the report */
	bool whole_run; /* its suite is the root: not a part, but everything */
};

struct junit_report {
	struct junit_case *cases; /* in the order of the report */
	size_t n;
	size_t nseen;	   /* cases that passed or were skipped, too */
	size_t error_line; /* 0: error is about no line */
	char error[JUNIT_ERROR_SIZE];
};

/* Reads a report from a descriptor to its end. Returns 0, or -1 with an error
 * in *ret. End with junit_report_free() in any case. */
int junit_report_read(struct junit_report *ret, int fd);
void junit_report_free(struct junit_report *report);

#endif
