#include "agents/common/leftovers.h"
#include "base/buf.h"
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

struct list {
	struct agent *agent;
	struct buf names;
};

static void
add_name(void *context, pid_t pid, const char *command, bool stays)
{
	struct list *l = context;

	if (stays)
		tell(l->agent, pid, command, true);
	else
		buf_addf(&l->names, "%s%s (pid %d)",
		    l->names.len > 0 ? ", " : "", command, (int)pid);
}

int
leftovers_end_attempt(
    struct agent *a, const char *attempt_id, char *names, size_t size)
{
	struct list list = { .agent = a };

	buf_init(&list.names, names, size);
	return marked_end(&(struct marked){ .variable = MARKED_ATTEMPT,
	    .value = attempt_id,
	    .tell = add_name,
	    .context = &list });
}
