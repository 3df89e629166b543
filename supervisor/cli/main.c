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

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"

#define COMMANDS_MAX 128

static bool
may_colour(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) == 1 &&
	    (no_color == NULL || no_color[0] == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < ncommands; i++)
		if (strcmp(commands[i].name, name) == 0 ||
		    (commands[i].alias != NULL &&
			strcmp(commands[i].alias, name) == 0))
			return &commands[i];
	return NULL;
}

static int
unknown_command(const char *name)
{
	const char *names[COMMANDS_MAX], *nearest;
	size_t n = 0;

	for (size_t i = 0; i < ncommands && n < COMMANDS_MAX; i++)
		names[n++] = commands[i].name;
	nearest = text_nearest(name, names, n);
	if (nearest != NULL)
		return cli_error(CLI_USAGE,
		    "there is no command '%s'; did you mean '%s'?", name,
		    nearest);
	return cli_error(CLI_USAGE,
	    "there is no command '%s'; 'loopkeeper help' lists them", name);
}

/* Options in front of the command. Returns the command's index in argv, or
 * -1 when there is nothing to run; *ret_code is then the exit code. */
static int
parse_globals(struct cli *cli, int argc, char **argv, int *ret_code)
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
		case 'h': *ret_code = help_run(cli, 1, words); return -1;
		case 'V': *ret_code = version_run(cli, 1, words); return -1;
		case ':':
			*ret_code = cli_error(
			    CLI_USAGE, "%s needs a file", argv[optind - 1]);
			return -1;
		default:
			*ret_code = cli_error(CLI_USAGE,
			    "there is no option %s; see 'loopkeeper help'",
			    argv[optind > 1 ? optind - 1 : 1]);
			return -1;
		}
	}
	if (optind < argc)
		return optind;
	(void)help_run(cli, 1, words);
	*ret_code = CLI_USAGE;
	return -1;
}

int
main(int argc, char **argv)
{
	struct cli cli = { .colour = may_colour() };
	const struct command *command;
	int code = CLI_USAGE, at;

	at = parse_globals(&cli, argc, argv, &code);
	if (at >= 0) {
		char *name = argv[at];

		command = find_command(name);
		if (command == NULL)
			return unknown_command(name);
		code = command->run(&cli, argc - at, argv + at);
	}
	if (fflush(stdout) == EOF || ferror(stdout))
		return cli_error(
		    CLI_FAILED, "cannot write: %s", strerror(errno));
	return code;
}
