#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agents/logger/stream.h"
#include "base/io.h"
#include "base/path.h"

/* Touches every page of the buffers, so that neither a copy from them nor
 * one into them waits for memory in the midst of a chunk. */
static void
touch(struct stream_desk *desk)
{
	(void)memset(desk->in, 0, sizeof(desk->in));
	(void)memset(desk->out, 0, sizeof(desk->out));
}

int
desk_open(struct stream_desk *desk, int rundir, const char *state)
{
	char path[PATH_SIZE];

	desk->logsdir = desk->pipe[0] = desk->pipe[1] = -1;
	desk->journal = (struct journal){ .fd = -1, .null = -1 };
	touch(desk);
	if (path_format(path, "%s/logs", state) < 0 ||
	    path_make(path, 0700) < 0)
		return -1;
	desk->logsdir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (desk->logsdir < 0 || pipe2(desk->pipe, O_CLOEXEC) < 0 ||
	    journal_open(&desk->journal, rundir, desk->logsdir) < 0) {
		desk_close(desk);
		return -1;
	}
	desk->pipe_size = fcntl(desk->pipe[0], F_GETPIPE_SZ);
	return 0;
}

void
desk_close(struct stream_desk *desk)
{
	io_close(&desk->logsdir);
	io_close(&desk->pipe[0]);
	io_close(&desk->pipe[1]);
	journal_close(&desk->journal);
}
