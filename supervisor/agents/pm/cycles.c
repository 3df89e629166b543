#include "agents/pm/cycles.h"
#include "base/point.h"
#include "store/deadlocks.h"

#define EVERY_MS point_ms("LOOPKEEPER_CYCLES_MS", 15000)

int
cycles_look(
    struct cycles *c, int64_t version, int64_t now_ms, int64_t *ret_left_ms)
{
	struct agent *a = c->agent;
	int n = 0;

	/* Time alone makes no circle. */
	if (version == c->version)
		return 0;
	if (now_ms < c->next_ms) {
		if (c->next_ms - now_ms < *ret_left_ms)
			*ret_left_ms = c->next_ms - now_ms;
		return 0;
	}
	n = deadlocks_resolve(&a->store, a->name);
	if (n < 0)
		return -1;
	c->version = version;
	c->next_ms = now_ms + EVERY_MS;
	if (n > 0)
		log_line(&a->log,
		    "%d deadlock%s resolved: see `loopkeeper deadlocks`", n,
		    n > 1 ? "s" : "");
	return 0;
}
