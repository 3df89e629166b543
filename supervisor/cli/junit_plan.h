/*
 * What an import makes of each failing case of a report: which test it is,
 * whether there is one, and which loop gets it. Only looks; import_junit.c
 * writes.
 */
#ifndef LOOPKEEPER_CLI_JUNIT_PLAN_H
#define LOOPKEEPER_CLI_JUNIT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/cli.h"
#include "cli/junit_case.h"
#include "cli/junit_spread.h"
#include "cli/names.h"

enum planned_kind {
	PLANNED_NEW,
	PLANNED_OLD,	/* such a test is there, and stays as it is */
	PLANNED_PASSED, /* the same; it passed once */
	PLANNED_AGAIN,	/* the report has the same case further up */
};

struct planned {
	char id[ATTEMPT_TEST_SIZE];
	enum planned_kind kind;
	size_t group; /* in spread, of a new one */
};

struct junit_plan {
	struct planned *tests; /* one for each case of the report */
	size_t counts[PLANNED_AGAIN + 1];
	struct names loops;   /* those that may be given tests */
	int64_t *loads;	      /* what each has to do, the new ones included */
	struct spread spread; /* of the new ones, over loops */
};

/*
 * Makes the plan for the located cases of a report, inside a transaction.
 * loop is the one that gets them all, or NULL. conf may be NULL. Returns
 * CLI_DONE, or CLI_FAILED after an error. End with junit_plan_free() in any
 * case.
 */
int junit_plan_make(struct junit_plan *ret, struct store *s,
    const struct conf *conf, const struct junit_report *report,
    const char *loop);
void junit_plan_free(struct junit_plan *p);

#endif
