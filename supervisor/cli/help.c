/* help and version. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

static const char *const group_titles[] = {
	[GROUP_LOOK] = "Look",
	[GROUP_STEER] = "Steer",
	[GROUP_REPAIR] = "Repair",
	[GROUP_SETUP] = "Set up",
};

static const char import_details[] =
    "  In CMD {file}, {name}, {class} and {suite} stand for what the report "
    "tells of\n  a case, {pattern} for its name as a regular expression. "
    "Behind -t,\n  --testNamePattern, -run, -R and --tests-regex {name} is "
    "that pattern, too:\n"
    "    vitest   npx vitest run {file} -t {name}\n"
    "    jest     npx jest {file} -t {name}\n"
    "    pytest   pytest {file} -k {name}\n"
    "    go       go test {class} -run {name}\n"
    "    nextest  cargo nextest run {name}\n"
    "    ctest    ctest -R {name}\n";

static void
print_group(enum command_group group)
{
	printf("\n%s:\n", group_titles[group]);
	for (size_t i = 0; i < ncommands; i++)
		if (commands[i].group == group)
			printf("  %-13s %s\n", commands[i].name,
			    commands[i].summary);
}

static int
print_command(const struct command *c)
{
	printf("loopkeeper %s%s%s\n  %s\n", c->name,
	    c->usage[0] == '\0' ? "" : " ", c->usage, c->summary);
	if (c->alias != NULL)
		printf("  '%s' is the same\n", c->alias);
	if (c->run == import_run)
		printf("%s", import_details);
	return CLI_DONE;
}

int
help_run(struct cli *cli, int argc, char **argv)
{
	(void)cli;
	if (argc > 2)
		cli_usage("help");
	if (argc == 2)
		return print_command(cli_command(argv[1]));
	printf("usage: loopkeeper [-c FILE] COMMAND [--json] ...\n");
	for (enum command_group g = GROUP_LOOK; g <= GROUP_SETUP; g++)
		print_group(g);
	printf("\n'loopkeeper help COMMAND' shows how one is used. A unique "
	       "beginning of a name\nis enough. Without -c the file is "
	       "$LOOPKEEPER_CONFIG, ./loopkeeper.conf,\n"
	       "~/.config/loopkeeper/loopkeeper.conf or "
	       "/etc/loopkeeper/loopkeeper.conf.\n"
	       "Exit codes: 0 done, 1 failed or unhealthy, 2 wrong usage, "
	       "3 not running;\n"
	       "of rollback also 75: not now, nothing was changed.\n");
	return CLI_DONE;
}

int
version_run(struct cli *cli, int argc, char **argv)
{
	(void)argv;
	if (argc > 1 && strcmp(argv[1], "--json") == 0)
		cli->json = true;
	else if (argc > 1)
		cli_usage("version");
	printf(
	    cli->json ? "{\"version\":\"%s\"}\n" : "loopkeeper %s\n", VERSION);
	return CLI_DONE;
}
