#include <unistd.h>

#include "agents/common/json_file.h"
#include "agents/loop/health.h"
#include "base/clock.h"

#define BUSY_MS 5000
#define IDLE_MS 15000 /* at least: it is woken about every 30 s */

static const char *
locked_reason(enum mode mode)
{
	return mode == MODE_CONSERVATIVE
	    ? "mode conservative, and the next test's files are locked"
	    : "files are locked";
}

/* Why it works on nothing; `pause` waits for the first two. */
static const char *
idle_reason(const struct runner *r)
{
	const struct agent *a = &r->agent;

	return a->mode == MODE_FILE_BASED ? "mode file-based"
	    : a->draining		  ? "to be paused"
	    : a->store.db == NULL	  ? "waiting for the database"
	    : r->trouble[0] != '\0'	  ? r->trouble
	    : r->hold[0] != '\0'	  ? r->hold
	    : r->blocked_by_file	  ? locked_reason(a->mode)
	    : r->retry_ms != 0		  ? r->retry_text
	    : r->waiting[0] != '\0'	  ? r->waiting
	    : r->counts.pending > 0	  ? "nothing can be taken yet"
					  : "queue empty";
}

/* Why it takes no test that it could take; NULL: nothing keeps it from that. */
static const char *
hindrance(const struct runner *r)
{
	const struct agent *a = &r->agent;
	bool is_kept = a->mode == MODE_FILE_BASED || a->draining ||
	    r->trouble[0] != '\0' || r->hold[0] != '\0' ||
	    r->waits.tests[0] != NULL || clock_ms() < r->not_before_ms;

	if (r->phase == PHASE_SETUP)
		return "setting up"; /* that has a limit of its own */
	return r->phase == PHASE_IDLE && is_kept ? idle_reason(r) : NULL;
}

static void
say_status(struct runner *r)
{
	struct agent *a = &r->agent;
	const char *test = r->claim.key.test_id;

	switch (r->phase) {
	case PHASE_IDLE: agent_status(a, "idle: %s", idle_reason(r)); break;
	case PHASE_SETUP: agent_status(a, "setting up"); break;
	case PHASE_WRITE:
		agent_status(
		    a, "%s, waiting for the database", r->outcome.key.test_id);
		break;
	case PHASE_INTEGRATE:
		agent_status(a, "%s, verified, waiting to be merged%s%s", test,
		    r->trouble[0] != '\0' ? ": " : "", r->trouble);
		break;
	default: agent_status(a, "%s, attempt %d", test, r->claim.key.attempt);
	}
}

/* NULL, which is null in the file, for 0. */
static const char *
format_time(char buf[static CLOCK_ISO_SIZE], int64_t wall_ms)
{
	if (wall_ms == 0)
		return NULL;
	clock_format_iso(buf, wall_ms);
	return buf;
}

static json_t *
count_json(const struct runner *r, int64_t count)
{
	return r->counted ? json_integer(count) : json_null();
}

static void
write_file(const struct runner *r, const char *status, bool busy)
{
	char started[CLOCK_ISO_SIZE], output[CLOCK_ISO_SIZE];
	char now[CLOCK_ISO_SIZE];
	const struct job *job = busy && r->job.running ? &r->job : NULL;
	int64_t now_ms = clock_wall_ms(), output_ms = 0;
	int64_t progress_ms = job != NULL ? job->vitals.sign_ms : 0;

	if (job != NULL)
		output_ms = now_ms - (clock_ms() - job->vitals.output_ms);
	/* A full disk shows elsewhere, too; the next one may go through. */
	(void)json_file_replace(r->health_path,
	    json_pack("{s:s, s:s, s:s, s:s?, s:i, s:s?, s:s?, s:s?, s:i, s:i,"
		      " s:o, s:o, s:o, s:s, s:I, s:s?}",
		"component", r->agent.name, "loop_id", r->agent.name, "status",
		status, "current_test", busy ? r->claim.key.test_id : NULL,
		"attempt", busy ? r->claim.key.attempt : 0, "started_at",
		format_time(started, busy ? r->claimed_wall_ms : 0),
		"last_heartbeat", format_time(now, now_ms), "last_output_at",
		format_time(output, output_ms), "pid", getpid(), "worker_pid",
		job != NULL ? job->pid : 0, "passed",
		count_json(r, r->counts.passed), "failed",
		count_json(r, r->counts.failed), "pending",
		count_json(r, r->counts.pending), "mode",
		mode_name(r->agent.mode), "progress_ms",
		(json_int_t)progress_ms, "waits_for", hindrance(r)),
	    false);
}

void
health_publish(struct runner *r, bool now)
{
	int64_t now_ms = clock_ms();
	bool busy = runner_has_claim(r);

	if (!now && now_ms < r->health_ms)
		return;
	r->health_ms = now_ms + (busy ? BUSY_MS : IDLE_MS);
	say_status(r);
	write_file(r, busy ? "running" : "idle", busy);
}

void
health_stopped(const struct runner *r)
{
	write_file(r, "stopped", false);
}
