/*
 * loopkeeper: finds the command that is meant and runs it. What all commands
 * share (which fleet, JSON, colour) is settled here.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/commands.h"

static bool
may_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 &&
	    (no_color == NULL || no_color[0] == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

/* Options in front of the command. Returns the index in argv of
 * the command. */
static int
parse_globals(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'J' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	char *words[] = { argv[0], NULL };
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:c:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c': cli->config_option = optarg; break;
		case 'J': cli->json = true; break;
		case 'h': exit(help_run(cli, 1, words));
		case 'V': exit(version_run(cli, 1, words));
		case ':':
			cli_fail(
			    CLI_USAGE, "%s needs a file", argv[optind - 1]);
		default:
			cli_fail(CLI_USAGE,
			    "there is no option %s; see 'loopkeeper help'",
			    argv[optind > 1 ? optind - 1 : 1]);
		}
	}
	if (optind < argc)
		return optind;
	(void)help_run(cli, 1, words);
	exit(CLI_USAGE);
}

int
main(int argc, char **argv)
{
	struct cli cli = { .colour = may_colour() };
	int at = parse_globals(&cli, argc, argv);
	int code = cli_command(argv[at])->run(&cli, argc - at, argv + at);

	if (fflush(stdout) == EOF || ferror(stdout))
		return cli_error(
		    CLI_FAILED, "cannot write: %s", strerror(errno));
	return code;
}
