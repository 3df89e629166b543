#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/keepers.h"

#define ANSWER_MS   120000 /* a reload reads files and asks for users */
#define PATIENCE_MS 5000   /* for a daemon that has died to be back */
#define LOOK_MS	    50

static bool
is_running(const struct cli *cli)
{
	struct keepers k;
	bool running;

	if (keepers_read(&k, cli->state_directory) < 0)
		return false;
	running = k.guardian != 0 || k.daemon != 0;
	keepers_free(&k);
	return running;
}

static int
not_running(void)
{
	return cli_error(CLI_NOT_RUNNING,
	    "the supervisor isn't running; 'loopkeeper up -d' starts it");
}

int
ask_running(const struct cli *cli)
{
	return is_running(cli) ? CLI_DONE : not_running();
}

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
		if (!is_running(cli))
			return not_running();
		if (!may_try_again(error) || clock_ms() > give_up_ms)
			return cli_error(CLI_FAILED,
			    "cannot reach the supervisor of %s: %s",
			    cli->state_directory, strerror(error));
		(void)poll(NULL, 0, LOOK_MS);
	}
	return CLI_DONE;
}
