#include "agents/common/leftovers.h"
#include "system/marked.h"

static void
tell(void *context, pid_t pid, const char *command, bool stays)
{
	const struct agent *a = context;

	if (stays)
		log_line(&a->log,
		    "%s (pid %d) can't be ended; no test is taken while it is "
		    "there",
		    command, (int)pid);
	else
		log_line(&a->log,
		    "ending a process that an earlier run left: %s (pid %d)",
		    command, (int)pid);
}

int
leftovers_end(struct agent *a, const char *directory)
{
	return marked_end(&(struct marked){ .variable = MARKED_LOOP_DIRECTORY,
	    .value = directory,
	    .tell = tell,
	    .context = a });
}
