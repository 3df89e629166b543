#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/ids.h"
#include "conf/conf.h"

static const struct log cli_log = { .name = "loopkeeper" };

static int
locate(struct cli *cli, FILE *errors)
{
	if (conf_find(cli->config_option, cli->config_path, errors) < 0)
		return -1;
	return conf_state_directory(
	    cli->config_path, cli->state_directory, errors);
}

int
cli_locate(struct cli *cli)
{
	char *text = NULL, *rest;
	size_t size;
	FILE *errors;
	int result;

	if (cli->state_directory[0] != '\0')
		return CLI_DONE;
	errors = open_memstream(&text, &size);
	if (errors == NULL)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	result = locate(cli, errors);
	(void)fclose(errors);
	if (result < 0)
		cli->state_directory[0] = '\0';
	for (rest = text; result < 0 && rest != NULL && *rest != '\0';)
		(void)cli_error(CLI_FAILED, "%s", strsep(&rest, "\n"));
	free(text);
	return result < 0 ? CLI_FAILED : CLI_DONE;
}

int
cli_error(int code, const char *format, ...)
{
	char text[1800];
	va_list ap;

	/* What was already printed comes first, also into one pipe. */
	(void)fflush(stdout);
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_line(&cli_log, "%s", text);
	return code;
}

int
cli_usage(const char *command)
{
	for (size_t i = 0; i < ncommands; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, command) == 0)
			return cli_error(CLI_USAGE, "usage: loopkeeper %s%s%s",
			    c->name, c->usage[0] == '\0' ? "" : " ", c->usage);
	}
	return cli_error(CLI_USAGE, "usage: see 'loopkeeper help'");
}

int
cli_component(struct cli *cli, const char *word, char *ret_name)
{
	return ids_component(cli, word, ret_name);
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
