#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "cli/ask.h"
#include "cli/database.h"
#include "cli/keepers.h"
#include "cli/owner.h"
#include "system/spool.h"

#define ANSWER_MS   120000 /* a reload reads files and asks for users */
#define PATIENCE_MS 5000   /* for a daemon that has died to be back */
#define LOOK_MS	    50

/* Every request may be repeated, so an answer that was lost is no matter. */
static bool
may_try_again(int error)
{
	return error == ENOENT || error == ECONNREFUSED ||
	    error == ECONNRESET || error == EPIPE;
}

int
ask_daemon(const struct cli *cli, const char *const *words, size_t nwords,
    char reply[static CONTROL_REPLY_MAX])
{
	int64_t give_up_ms = clock_ms() + PATIENCE_MS;

	while (control_request_slow(cli->state_directory, words, nwords, reply,
		   CONTROL_REPLY_MAX, ANSWER_MS) < 0) {
		int error = errno;

		if (error == EPROTO)
			return cli_error(CLI_FAILED, "%s", reply);
		if (!keepers_running(cli->state_directory))
			return cli_not_running();
		if (!may_try_again(error) || clock_ms() > give_up_ms)
			return cli_error(CLI_FAILED,
			    "cannot reach the supervisor of %s: %s",
			    cli->state_directory, strerror(error));
		(void)poll(NULL, 0, LOOK_MS);
	}
	return CLI_DONE;
}

void
ask_tell(const struct cli *cli, const char *type, const char *component,
    const char *loop_id, const char *why)
{
	char directory[PATH_SIZE], writer[32], owner[OWNER_SIZE];
	struct event event;
	struct spool spool;
	int result = -1;

	/* The keeper tells of what is done in another user's fleet. */
	if (owner_is_other(cli, owner))
		return;
	(void)snprintf(writer, sizeof(writer), "cli-%d", (int)getpid());
	if (path_format(directory, "%s/run/spool", cli->state_directory) == 0 &&
	    spool_open(&spool, directory, writer) == 0) {
		event_begin(&event, "cli", type, NULL);
		event_text(&event, "component", component);
		if (loop_id != NULL)
			event_text(&event, "loop_id", loop_id);
		event_text(&event, "by", database_user());
		if (why[0] != '\0')
			event_text(&event, "why", why);
		result = spool_add(&spool, &event);
		spool_close(&spool);
	}
	if (result < 0)
		(void)cli_error(CLI_FAILED, "the event %s is lost: %s", type,
		    strerror(errno));
}
