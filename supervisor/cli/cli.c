#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/cli.h"
#include "conf/conf.h"

#define COMMANDS_MAX 128

static const struct log cli_log = { .name = "loopkeeper" };

const struct command *
cli_command(const char *name)
{
	const char *names[COMMANDS_MAX], *nearest;

	for (size_t i = 0; i < ncommands; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, name) == 0 ||
		    (c->alias != NULL && strcmp(c->alias, name) == 0))
			return c;
		names[i] = c->name;
	}
	nearest = text_nearest(name, names, ncommands);
	if (nearest != NULL)
		cli_fail(CLI_USAGE,
		    "there is no command '%s'; did you mean '%s'?", name,
		    nearest);
	cli_fail(CLI_USAGE,
	    "there is no command '%s'; 'loopkeeper help' lists them", name);
}

void
cli_locate(struct cli *cli)
{
	char *text = NULL, *rest;
	size_t size;
	FILE *errors;
	bool found;

	if (cli->state_directory[0] != '\0')
		return;
	errors = open_memstream(&text, &size);
	if (errors == NULL)
		cli_fail(CLI_FAILED, "%s", strerror(errno));
	found = conf_find(cli->config_option, cli->config_path, errors) == 0 &&
	    conf_state_directory(
		cli->config_path, cli->state_directory, errors) == 0;
	(void)fclose(errors);
	for (rest = text; !found && rest != NULL && *rest != '\0';)
		(void)cli_error(CLI_FAILED, "%s", strsep(&rest, "\n"));
	free(text);
	if (!found)
		exit(CLI_FAILED);
}

static void __attribute__((format(printf, 1, 0)))
say(const char *format, va_list ap)
{
	char text[1800];

	/* What was already printed comes first, also into one pipe. */
	(void)fflush(stdout);
	(void)vsnprintf(text, sizeof(text), format, ap);
	log_line(&cli_log, "%s", text);
}

int
cli_error(int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	return code;
}

void
cli_fail(int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	exit(code);
}

int
cli_not_running(void)
{
	return cli_error(CLI_NOT_RUNNING,
	    "the supervisor isn't running; 'loopkeeper up -d' starts it");
}

void
cli_usage(const char *command)
{
	const struct command *c = cli_command(command);

	cli_fail(CLI_USAGE, "usage: loopkeeper %s%s%s", c->name,
	    c->usage[0] == '\0' ? "" : " ", c->usage);
}

int
cli_program(char ret[static PATH_SIZE], const char *name)
{
	char self[PATH_SIZE], directory[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -1;
	self[n] = '\0';
	if (path_dirname(directory, self) == 0 &&
	    path_format(ret, "%s/%s", directory, name) == 0 &&
	    access(ret, X_OK) == 0)
		return 0;
	if (path_format(ret, "%s/%s", LIBEXECDIR, name) == 0 &&
	    access(ret, X_OK) == 0)
		return 0;
	errno = ENOENT;
	return -1;
}
