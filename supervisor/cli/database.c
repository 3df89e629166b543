#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "cli/database.h"
#include "cli/keepers.h"
#include "cli/options.h"
#include "cli/owner.h"

#define GLANCE_MS 300 /* how long `status` waits for others' locks */

static int
store_failed(const struct store *s, int code)
{
	const char *text = store_error(s);

	return cli_error(code, "%s", text[0] != '\0' ? text : strerror(errno));
}

int
database_error(const struct store *s)
{
	return store_failed(s, CLI_FAILED);
}

void
database_open_or(
    struct cli *cli, struct store *s, enum store_mode mode, int code)
{
	cli_locate(cli);
	if (mode == STORE_CREATE && path_make(cli->state_directory, 0700) < 0)
		cli_fail(CLI_FAILED, "cannot make %s: %s", cli->state_directory,
		    strerror(errno));
	if (store_open(s, cli->state_directory, mode) == 0)
		return;
	switch (errno) {
	case EACCES:
		owner_only(cli, "use the database, %s", s->path);
		exit(database_error(s));
	case ENOENT:
		if (keepers_running(cli->state_directory))
			exit(store_failed(s, code));
		cli_fail(CLI_NOT_RUNNING,
		    "there is no database in %s yet; 'loopkeeper up -d' or "
		    "'loopkeeper import' makes one",
		    cli->state_directory);
	case EBUSY:
		cli_fail(code,
		    "%s: another process holds a lock on it; try again, "
		    "'fuser %s' names it",
		    store_error(s), s->path);
	case ESHUTDOWN: exit(store_failed(s, code));
	case EUCLEAN:
		cli_fail(CLI_FAILED,
		    "%s: it is damaged; 'loopkeeper down' and 'loopkeeper up' "
		    "set it aside and begin a fresh one",
		    store_error(s));
	default: exit(database_error(s));
	}
}

void
database_open(struct cli *cli, struct store *s, enum store_mode mode)
{
	database_open_or(cli, s, mode, CLI_FAILED);
}

int
database_done(const struct cli *cli, struct store *s, int code)
{
	store_close(s);
	return code == CLI_DONE && !keepers_running(cli->state_directory)
	    ? cli_not_running()
	    : code;
}

int
database_list(struct cli *cli, int argc, char **argv,
    int (*print)(const struct cli *cli, struct store *s, bool all))
{
	bool all = false;
	const struct option_spec specs[] = {
		{ .name = "all", .letter = 'a', .flag = &all },
	};
	struct store s;

	(void)options_parse(cli, argc, argv, specs, 1, 0, 0);
	database_open(cli, &s, STORE_READ);
	return database_done(cli, &s, print(cli, &s, all));
}

/* Of a fleet that doesn't run a missing one is no news. */
static void
note_error(struct overview *o, const struct store *s)
{
	if (errno == ENOENT && !o->running)
		return;
	if (errno == EACCES && o->owner[0] != '\0') {
		(void)snprintf(o->database_error, sizeof(o->database_error),
		    "the database isn't shown: only %s may use it", o->owner);
		return;
	}
	(void)strlcpy(
	    o->database_error, store_error(s), sizeof(o->database_error));
	o->database_broken = errno != EBUSY && errno != ESHUTDOWN;
}

void
database_overview(struct cli *cli, struct overview *o, struct store *s)
{
	cli_locate(cli);
	if (overview_read(o, cli) < 0)
		cli_fail(CLI_FAILED, "cannot read %s: %s", cli->state_directory,
		    strerror(errno));
	if (store_open_within(s, cli->state_directory, STORE_READ, GLANCE_MS) <
		0 ||
	    overview_add_store(o, s) < 0)
		note_error(o, s);
}

const char *
database_user(void)
{
	const char *name = getenv("LOOPKEEPER_COMPONENT");
	const struct passwd *user;

	if (name != NULL && name[0] != '\0')
		return name;
	name = getenv("SUDO_USER");
	if (name != NULL && name[0] != '\0')
		return name;
	user = getpwuid(geteuid());
	return user != NULL ? user->pw_name : "somebody";
}
