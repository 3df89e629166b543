/* reload: the configuration is read anew and only the difference applied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/io.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/keepers.h"
#include "cli/options.h"
#include "cli/owner.h"
#include "conf/conf.h"
#include "control/roster.h"
#include "system/rundir.h"
#include "system/wanted.h"

/* The enabled ones of a configuration: only those exist for the fleet. */
static struct component_config **
enabled_of(const struct conf *conf, size_t *ret_n)
{
	struct component_config **list = calloc(
	    conf->fleet.ncomponents + 1, sizeof(struct component_config *));

	*ret_n = 0;
	for (uint32_t i = 0; list != NULL && i < conf->fleet.ncomponents; i++)
		if (conf->components[i]->enabled)
			list[(*ret_n)++] = conf->components[i];
	return list;
}

static int
print_difference(const struct conf *conf, const struct roster *old)
{
	size_t n;
	struct component_config **new = enabled_of(conf, &n);

	if (new == NULL)
		return cli_error(CLI_FAILED, "%s", strerror(errno));
	if (conf_print_difference(old->components, old->n, new, n, stdout) == 0)
		(void)printf("nothing changed\n");
	free(new);
	return CLI_DONE;
}

/* What the fleet runs by. */
static int
read_old(const struct cli *cli, struct roster *ret)
{
	int rundir = rundir_open(cli->state_directory), result = -1;

	if (rundir >= 0)
		result = roster_read_file(ret, rundir);
	io_close(&rundir);
	if (result == 0)
		return CLI_DONE;
	return cli_error(CLI_FAILED, "%s/run/%s: %s", cli->state_directory,
	    ROSTER_FILE, strerror(errno));
}

/* "NAME=stopped" for each that isn't to run. Returns the number of words. */
static size_t
add_wishes(const struct wanted *w, const char **words, char *text, size_t size)
{
	size_t n = 0;
	struct buf b;

	buf_init(&b, text, size);
	for (size_t i = 0; i < w->nentries; i++) {
		const struct wanted_entry *e = &w->entries[i];
		const char *at = b.data + b.len;

		if (e->state == WANTED_RELEASED)
			continue;
		buf_addf(&b, "%s=%s", e->name,
		    e->state == WANTED_STOPPED ? "stopped" : "paused");
		buf_add_bytes(&b, "", 1);
		if (b.cut)
			break;
		words[n++] = at;
	}
	return n;
}

static int
ask(const struct cli *cli)
{
	char reply[CONTROL_REPLY_MAX], *text;
	const char **words;
	struct wanted wanted;
	int code = CLI_FAILED;
	size_t n, size;

	if (wanted_read(cli->state_directory, &wanted) < 0)
		return cli_error(CLI_FAILED, "%s/wanted: %s",
		    cli->state_directory, strerror(errno));
	size = wanted.nentries * 64 + 1;
	words = calloc(wanted.nentries + 1, sizeof(*words));
	text = malloc(size);
	if (words != NULL && text != NULL) {
		words[0] = "reload";
		n = add_wishes(&wanted, &words[1], text, size);
		code = ask_daemon(cli, words, n + 1, reply);
	}
	free(text);
	free(words);
	wanted_free(&wanted);
	return code;
}

int
reload_run(struct cli *cli, int argc, char **argv)
{
	bool dry_run = false;
	const struct option_spec spec = { .name = "dry-run", .flag = &dry_run };
	struct roster old = { 0 };
	struct conf *conf;
	int code;

	(void)options_parse(cli, argc, argv, &spec, 1, 0, 0);
	cli_locate(cli);
	if (!keepers_running(cli->state_directory))
		return cli_not_running();
	owner_only(cli,
	    "reload: what the fleet runs by, and what is wanted "
	    "of it, is in files of his");
	conf = conf_load(cli->config_path, stderr);
	if (conf == NULL)
		return cli_error(CLI_FAILED, "nothing was changed");
	code = read_old(cli, &old);
	if (code == CLI_DONE) {
		if (!dry_run)
			code = ask(cli);
		if (code == CLI_DONE)
			code = print_difference(conf, &old);
		roster_free(&old);
	}
	conf_free(conf);
	return code;
}
