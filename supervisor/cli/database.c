#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "cli/database.h"

#define GLANCE_MS 300 /* how long `status` waits for others' locks */

static int
open_error(const struct cli *cli, const struct store *s)
{
	switch (errno) {
	case ENOENT:
		return cli_error(CLI_NOT_RUNNING,
		    "there is no database in %s yet; 'loopkeeper up -d' or "
		    "'loopkeeper import' makes one",
		    cli->state_directory);
	case ESHUTDOWN: return cli_error(CLI_FAILED, "%s", store_error(s));
	case EBUSY:
		return cli_error(CLI_FAILED,
		    "%s: another process holds a lock on it; try again, "
		    "'fuser %s' names it",
		    store_error(s), s->path);
	case EUCLEAN:
		return cli_error(CLI_FAILED,
		    "%s: it is damaged; 'loopkeeper down' and 'loopkeeper up' "
		    "set it aside and begin a fresh one",
		    store_error(s));
	default: return database_error(s);
	}
}

int
database_open(struct cli *cli, struct store *s, enum store_mode mode)
{
	int code = cli_locate(cli);

	if (code != CLI_DONE)
		return code;
	if (mode == STORE_CREATE && path_make(cli->state_directory, 0700) < 0)
		return cli_error(CLI_FAILED, "cannot make %s: %s",
		    cli->state_directory, strerror(errno));
	if (store_open(s, cli->state_directory, mode) == 0)
		return CLI_DONE;
	return open_error(cli, s);
}

int
database_error(const struct store *s)
{
	const char *text = store_error(s);

	return cli_error(
	    CLI_FAILED, "%s", text[0] != '\0' ? text : strerror(errno));
}

int
database_reader_code(const struct cli *cli)
{
	struct overview o = { 0 };

	overview_read_supervisor(&o, cli->state_directory);
	if (o.running)
		return CLI_DONE;
	return cli_error(CLI_NOT_RUNNING,
	    "the supervisor isn't running; 'loopkeeper up -d' starts it");
}

/* Nothing that must be told is lost: a missing one is no news. */
static void
note_error(struct overview *o, const struct store *s)
{
	if (errno != ENOENT)
		(void)strlcpy(o->database_error, store_error(s),
		    sizeof(o->database_error));
}

int
database_overview(struct cli *cli, struct overview *o, struct store *s)
{
	if (overview_read(o, cli) < 0) {
		int saved = errno;

		overview_free(o);
		return cli_error(CLI_FAILED, "cannot read %s: %s",
		    cli->state_directory, strerror(saved));
	}
	if (store_open_within(s, cli->state_directory, STORE_READ, GLANCE_MS) <
	    0) {
		note_error(o, s);
		return CLI_DONE;
	}
	if (overview_add_store(o, s) < 0)
		note_error(o, s);
	return CLI_DONE;
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
