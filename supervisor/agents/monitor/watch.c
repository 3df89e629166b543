#include "agents/monitor/watch.h"

int64_t
watch_look(struct watch *w, uint64_t evidence, int64_t now_ms)
{
	bool first = w->since_ms == 0;

	if (!first && evidence == w->evidence)
		return now_ms - w->since_ms;
	w->evidence = evidence;
	w->since_ms = now_ms;
	if (!first)
		w->moved = true;
	return 0;
}

void
watch_clear(struct watch *w)
{
	w->since_ms = 0;
	w->moved = true;
}

void
watch_forgive(struct watch *w, int64_t ms)
{
	if (w->since_ms != 0)
		w->since_ms += ms;
}
