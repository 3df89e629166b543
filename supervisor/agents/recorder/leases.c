#include "agents/recorder/leases.h"
#include "agents/recorder/database.h"
#include "base/point.h"
#include "store/alive.h"
#include "store/locks.h"

#define EVERY_MS point_ms("LOOPKEEPER_LEASES_MS", 60000)

static bool
is_alive(const char *name, void *argument)
{
	const struct recorder *r = argument;

	return alive_by_record(r->state_directory, name) == ALIVE_YES;
}

void
leases_look(struct recorder *r)
{
	r->leases_ms = 0;
	recorder_due(&r->leases_ms, EVERY_MS);
	if (r->database != DATABASE_OPEN || r->failing)
		return;
	if (locks_renew_living(&r->store, is_alive, r) < 0 ||
	    locks_sweep(&r->store) < 0)
		database_failed(r, "cannot renew locks");
}
