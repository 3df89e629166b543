/*
 * Options of one command: a table of what it takes, on top of
 * getopt_long(3), so that every command says the same about a wrong one.
 * --json and --help are understood for all of them.
 */
#ifndef LOOPKEEPER_CLI_OPTIONS_H
#define LOOPKEEPER_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

#define OPTION_VALUES_MAX 16

struct option_list {
	const char *values[OPTION_VALUES_MAX];
	size_t n;
};

/* Exactly one of flag, value and list is set. */
struct option_spec {
	const char *name; /* without the dashes */
	char letter;	  /* of the short form, or 0 */
	bool *flag;
	const char **value;	  /* the last one given wins */
	struct option_list *list; /* every one given */
};

/*
 * Reads the options, wherever they stand, and moves the other words, of which
 * there may be min to max, to argv[1] and behind it. Returns their number.
 * What is wrong, and --help, are answered here, and end the program.
 */
int options_parse(struct cli *cli, int argc, char **argv,
    const struct option_spec *specs, size_t nspecs, int min, int max);

#endif
