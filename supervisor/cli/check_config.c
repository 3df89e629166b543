/*
 * `check-config`: reads the configuration as `up` and `reload` would, and
 * touches nothing. With --flat it is the helper that hands the daemon its
 * structs on a pipe.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/print.h"
#include "conf/conf.h"

/* "loopkeeper.conf is good: 5 components, 3 of them loops". */
static int
print_summary(const struct conf *conf, const char *shown)
{
	size_t n = 0;

	for (uint32_t i = 0; i < conf->fleet.ncomponents; i++)
		n += !conf->components[i]->housekeeping;
	(void)printf(
	    "%s is good: %zu component%s", shown, n, n == 1 ? "" : "s");
	if (conf->nloops > 0)
		(void)printf(", %zu of them %s", conf->nloops,
		    conf->nloops == 1 ? "a loop" : "loops");
	(void)printf("\n");
	return CLI_DONE;
}

static json_t *
list_json(const struct component_config *c, struct config_list list)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < list.count; i++)
		(void)json_array_append_new(
		    array, print_json_text(config_item(c, list, i)));
	return array;
}

static json_t *
component_json(const struct component_config *c)
{
	return json_pack("{s:s, s:o, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:o, "
			 "s:o}",
	    "name", c->name, "title", print_json_text(config_text(c, c->title)),
	    "kind", c->kind, "enabled", c->enabled, "housekeeping",
	    c->housekeeping, "loop", c->is_loop, "command",
	    list_json(c, c->command), "fallback", list_json(c, c->fallback),
	    "after", list_json(c, c->after), "working_directory",
	    print_json_text(config_text(c, c->working_directory)),
	    "environment", list_json(c, c->environment));
}

/* One line "FILE:LINE: TEXT" of the errors; the line may be missing. */
static json_t *
error_json(const char *line, size_t len)
{
	json_t *error = json_object();
	char *copy = strndup(line, len);
	char *end, *file_end;
	unsigned long number = 0;

	if (copy == NULL)
		return error;
	file_end = strstr(copy, ": ");
	if (file_end != NULL) {
		char *colon;

		*file_end = '\0';
		colon = strrchr(copy, ':');
		if (colon != NULL)
			number = strtoul(colon + 1, &end, 10);
		if (colon != NULL && number > 0 && *end == '\0')
			*colon = '\0';
		(void)json_object_set_new(error, "file", print_json_text(copy));
	}
	if (number > 0)
		(void)json_object_set_new(
		    error, "line", json_integer((json_int_t)number));
	(void)json_object_set_new(error, "message",
	    print_json_text(file_end != NULL ? file_end + 2 : copy));
	free(copy);
	return error;
}

static int
print_as_json(const struct conf *conf, const char *path, const char *errors)
{
	json_t *array = json_array(), *list = json_array();

	for (uint32_t i = 0; conf != NULL && i < conf->fleet.ncomponents; i++)
		(void)json_array_append_new(
		    array, component_json(conf->components[i]));
	for (const char *line = errors; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		(void)json_array_append_new(list, error_json(line, len));
		line += len + (line[len] == '\n');
	}
	return print_json(
	    json_pack("{s:o, s:b, s:o, s:o}", "file", print_json_text(path),
		"ok", conf != NULL, "errors", list, "components", array),
	    conf != NULL ? CLI_DONE : CLI_FAILED);
}

static int
write_flat(const struct conf *conf)
{
	if (isatty(STDOUT_FILENO) == 1)
		return cli_error(CLI_USAGE,
		    "check-config: --flat is for the daemon, not for people");
	if (conf_write_flat(conf, STDOUT_FILENO) < 0)
		return cli_error(CLI_FAILED, "check-config: can't write: %s",
		    strerror(errno));
	return CLI_DONE;
}

static int
print_errors(const char *errors)
{
	(void)fputs(errors, stderr);
	return CLI_FAILED;
}

/* Loads; what is wrong becomes *ret_errors, malloc'ed. */
static struct conf *
load(const char *path, char **ret_errors)
{
	size_t size;
	FILE *errors = open_memstream(ret_errors, &size);
	struct conf *conf;

	if (errors == NULL)
		return NULL;
	conf = conf_load(path, errors);
	if (fclose(errors) == EOF) {
		conf_free(conf);
		return NULL;
	}
	return conf;
}

static int
check(struct cli *cli, const char *named, bool flat)
{
	char path[PATH_SIZE];
	char *errors = NULL;
	struct conf *conf;
	int code;

	if (conf_find(named, path, stderr) < 0)
		return CLI_FAILED;
	conf = load(path, &errors);
	if (errors == NULL)
		code =
		    cli_error(CLI_FAILED, "check-config: %s", strerror(errno));
	else if (cli->json)
		code = print_as_json(conf, path, errors);
	else if (conf == NULL)
		code = print_errors(errors);
	else if (flat)
		code = write_flat(conf);
	else
		code = print_summary(conf, named != NULL ? named : path);
	conf_free(conf);
	free(errors);
	return code;
}

int
check_config_run(struct cli *cli, int argc, char **argv)
{
	bool defaults = false, flat = false;
	const struct option_spec specs[] = {
		{ .name = "defaults", .flag = &defaults },
		{ .name = "flat", .flag = &flat },
	};
	int nwords = options_parse(cli, argc, argv, specs, 2, 0, 1);

	if (defaults) {
		conf_print_defaults(stdout);
		return CLI_DONE;
	}
	return check(cli, nwords == 1 ? argv[1] : cli->config_option, flat);
}
