#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agents/recorder/drain.h"
#include "store/intake.h"

static int
store_spool(struct intake *i, const char *state_directory)
{
	struct intake_counts counts = { 0 };
	struct store s;
	int result;

	if (store_open(&s, state_directory, STORE_WRITE) < 0)
		return -1;
	do
		result = intake_run(i, &s, &counts);
	while (result == 1);
	store_close(&s);
	return result;
}

int
drain_run(const char *state_directory)
{
	struct intake i;
	int result;

	(void)signal(SIGIO, SIG_IGN); /* intake.h */
	if (intake_open(&i, state_directory) < 0) {
		(void)fprintf(stderr,
		    "loopkeeper-recorder: the spool of %s: "
		    "%s\n",
		    state_directory, strerror(errno));
		return 1;
	}
	result = store_spool(&i, state_directory);
	/* Paused, locked or full: then at least on disk. */
	if (result < 0)
		result = intake_keep(&i);
	if (result < 0)
		(void)fprintf(stderr,
		    "loopkeeper-recorder: the spool of %s "
		    "stays in its run directory: %s\n",
		    state_directory, strerror(errno));
	intake_close(&i);
	return result < 0;
}
