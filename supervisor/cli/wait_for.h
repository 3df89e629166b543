/* The questions that `wait` asks again and again. */
#ifndef LOOPKEEPER_CLI_WAIT_FOR_H
#define LOOPKEEPER_CLI_WAIT_FOR_H

#include <stdbool.h>

#include "base/text.h"
#include "cli/cli.h"
#include "store/attempts.h"

enum wait_goal {
	WAIT_READY,  /* every wanted component (the named one) is ready */
	WAIT_IDLE,   /* no loop (not the named one) works on a test */
	WAIT_PAUSED, /* all that is to be paused (the named one) is */
	WAIT_PASSED, /* every test (of the loop; the named one) is passed */
};

enum wait_answer {
	WAIT_THERE,
	WAIT_NOT_YET,
	WAIT_NEVER, /* and nothing that the fleet does will change it */
};

struct wait {
	enum wait_goal goal;
	char name[TEXT_NAME_MAX + 1]; /* component or loop; "" for all */
	char test[ATTEMPT_TEST_SIZE]; /* for WAIT_PASSED; "" for all */
	bool running;		      /* the supervisor, when last looked at */
	bool given_up; /* all that is missing is tried only now and then */
	char why[256]; /* what is missing, for people */
};

/* Looks once. What can't be read at all ends the program. */
enum wait_answer wait_for_look(struct cli *cli, struct wait *wait);

#endif
