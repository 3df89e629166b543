#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/database.h"
#include "cli/tell.h"
#include "system/spool.h"

void
tell_event(const struct cli *cli, const char *type, const char *component,
    const char *why)
{
	char directory[PATH_SIZE], writer[32];
	struct event event;
	struct spool spool;
	int result = -1;

	(void)snprintf(writer, sizeof(writer), "cli-%d", (int)getpid());
	if (path_format(directory, "%s/run/spool", cli->state_directory) == 0 &&
	    spool_open(&spool, directory, writer) == 0) {
		event_begin(&event, "cli", type, NULL);
		event_text(&event, "component", component);
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
