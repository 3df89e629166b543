#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agents/recorder/alarm.h"
#include "agents/recorder/database.h"
#include "agents/recorder/orphans.h"
#include "agents/recorder/tell.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "git/repository.h"
#include "model/mode.h"
#include "store/alive.h"
#include "store/health.h"
#include "store/recovery.h"
#include "store/succession.h"
#include "system/rundir.h"
#include "system/spool.h"

#define BY "recorder"
/* Heartbeats in the table are for display: no fresher than this. */
#define FRESH_MIN_MS 5000

/* Nothing of it runs; by then its keeper has ended its tree. */
static bool
is_down(const struct view *v)
{
	return (v->keeper_lives || v->left) && v->state != COMPONENT_STARTING &&
	    v->state != COMPONENT_RUNNING && v->state != COMPONENT_STOPPING;
}

static const char *
health_word(const struct view *v)
{
	if ((!v->keeper_lives && !v->left) || v->state == COMPONENT_BACKOFF ||
	    v->state == COMPONENT_FAILED)
		return "dead";
	if (v->state != COMPONENT_RUNNING)
		return "unknown";
	return v->late || v->fallback ? "degraded" : "healthy";
}

static const char *
loop_word(const struct view *v)
{
	if (v->want == WANT_PAUSE)
		return "paused";
	if (v->state == COMPONENT_BACKOFF || v->state == COMPONENT_FAILED)
		return "error";
	return is_down(v) ? "stopped" : "running";
}

static uint64_t
hash_of(const struct view *v)
{
	const int64_t facts[] = { (int64_t)v->state, (int64_t)v->want,
		(int64_t)v->circuit, v->late, v->fallback, v->pid,
		v->unkillable_pid, v->keeper_lives, (int64_t)v->restarts,
		v->beat_ms };

	return hash_bytes(HASH_INIT, facts, sizeof(facts));
}

/* A program that writes its own rows in component_health and loops: only what
 * it can't write any more is written for it. */
static bool
has_own_row(const struct view *v)
{
	return v->heartbeat == HEARTBEAT_DATABASE;
}

static int
tell_health(struct recorder *r, const struct view *v)
{
	char beat[CLOCK_ISO_SIZE], metadata[512];
	struct buf b;

	if (has_own_row(v))
		return is_down(v)
		    ? health_set(&r->store, v->name, health_word(v), NULL, NULL)
		    : 0;
	buf_init(&b, metadata, sizeof(metadata));
	buf_addf(&b,
	    "{\"by\":\"loopkeeper\",\"state\":\"%s\",\"wanted\":\"%s\","
	    "\"circuit\":\"%s\",\"pid\":%d,\"restarts\":%" PRIu64 "}",
	    component_state_name(v->state), component_want_name(v->want),
	    component_circuit_name(v->circuit), (int)v->pid, v->restarts);
	clock_format_iso(beat, clock_wall_ms() - (clock_ms() - v->beat_ms));
	return health_set(&r->store, v->name, health_word(v),
	    v->beat_ms > 0 ? beat : NULL, metadata);
}

static int
tell_view(struct recorder *r, const struct view *v)
{
	if (tell_health(r, v) < 0)
		return -1;
	return has_own_row(v) && !is_down(v)
	    ? 0
	    : health_set_loop(&r->store, v->name, loop_word(v), v->pid);
}

static void
read_mode(const struct recorder *r, char ret[static 16])
{
	int run = rundir_open(r->state_directory);
	enum mode mode;

	if (run < 0 || io_read_file(run, "mode", ret, 16) < 0)
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	if (!mode_parse(ret, &mode))
		(void)snprintf(ret, 16, "%s", mode_name(MODE_NORMAL));
	io_close(&run);
}

static bool
has_changed(const struct view *v)
{
	return !v->told || v->told_hash != hash_of(v);
}

static int
tell_changed(struct recorder *r)
{
	for (size_t i = 0; i < r->views.n; i++)
		if (has_changed(r->views.list[i]) &&
		    tell_view(r, r->views.list[i]) < 0)
			return -1;
	return 0;
}

static bool
is_news(const struct recorder *r, const char *mode)
{
	if (strcmp(r->mode, mode) != 0)
		return true;
	for (size_t i = 0; i < r->views.n; i++)
		if (has_changed(r->views.list[i]))
			return true;
	return false;
}

static bool
is_alive(const char *loop_id, void *argument)
{
	const struct recorder *r = argument;

	/* Without a record nothing is known, and nothing repaired. */
	return alive_left_outcome(r->state_directory, loop_id) ||
	    alive_by_record(r->state_directory, loop_id) != ALIVE_NO;
}

/* What a loop, or somebody else who has locks, left when it went down. A
 * successor of ours, if it is faster, does the same itself. */
static int
repair_down(struct recorder *r, const struct view *v)
{
	const struct recovery recovery = { .is_alive = is_alive,
		.is_merged = repository_was_merged,
		.say = recorder_say,
		.argument = r,
		.by = BY };
	int left = health_left_work(&r->store, v->name);

	if (left <= 0)
		return left;
	return recovery_run(&r->store, &recovery, v->name, NULL);
}

/* What the one before it left, if neither that nor this one is ours, and what
 * was written in loops of that one. 0, 1, -1 as succession_run(). */
static int
repair_followed(struct recorder *r, struct view *v)
{
	struct recovery_counts counts = { 0 };
	int result = 0;

	if (v->followed_ms == v->started_ms)
		return 0;
	if (!v->is_loop || has_own_row(v))
		result = succession_run(
		    &r->store, v->name, v->started_ms, BY, &counts);
	if (result == 0 && has_own_row(v))
		result =
		    health_set_loop(&r->store, v->name, loop_word(v), v->pid);
	if (result != 0)
		return result;
	v->followed_ms = v->started_ms;
	if (counts.tests > 0)
		logbook_say(&r->log, "%s: reset %d of its tests: it died",
		    v->name, (int)counts.tests);
	return 0;
}

/* 0, 1 another database, -1. */
static int
repair(struct recorder *r, struct view *v)
{
	if (is_down(v))
		return repair_down(r, v);
	return v->state == COMPONENT_RUNNING ? repair_followed(r, v) : 0;
}

/* What follows once it is written, each in a transaction of its own. */
static int
follow_up(struct recorder *r, const char *mode)
{
	int result;

	if (strcmp(r->mode, mode) != 0 && alarm_mode(&r->store, mode) < 0)
		return -1;
	(void)snprintf(r->mode, sizeof(r->mode), "%s", mode);
	for (size_t i = 0; i < r->views.n; i++) {
		struct view *v = r->views.list[i];

		if (!has_changed(v))
			continue;
		if (alarm_component(&r->store, v) < 0)
			return -1;
		result = repair(r, v);
		if (result != 0)
			return result;
		v->told = true;
		v->told_hash = hash_of(v);
	}
	return alarm_sweep(&r->store, &r->views);
}

/* The next look, if there are heartbeats that go on meanwhile. */
static void
plan(struct recorder *r)
{
	int64_t shortest_ms = 0;

	r->truth_ms = 0;
	for (size_t i = 0; i < r->views.n; i++) {
		const struct view *v = r->views.list[i];

		if (v->heartbeat == HEARTBEAT_NOTIFY &&
		    v->state == COMPONENT_RUNNING &&
		    (shortest_ms == 0 ||
			v->heartbeat_timeout_ms / 2 < shortest_ms))
			shortest_ms = v->heartbeat_timeout_ms / 2;
	}
	if (shortest_ms > 0)
		recorder_due(&r->truth_ms,
		    shortest_ms > FRESH_MIN_MS ? shortest_ms : FRESH_MIN_MS);
}

/* 0, 1 another database, -1. */
static int
write_news(struct recorder *r, const char *mode)
{
	int begun = store_begin(&r->store);

	if (begun != 0)
		return begun;
	if (store_end(&r->store, tell_changed(r)) < 0)
		return -1;
	return follow_up(r, mode);
}

void
tell_truth(struct recorder *r)
{
	char mode[16];
	int result;

	if (views_read(&r->views, r->state_directory) < 0)
		logbook_say(&r->log, "cannot read the keepers' records");
	plan(r);
	if (r->database != DATABASE_OPEN || r->failing)
		return;
	recorder_due(&r->beats_ms, 0);
	read_mode(r, mode);
	result = is_news(r, mode) ? write_news(r, mode) : 0;
	if (result == 0)
		result = orphans_settle(r);
	if (result < 0)
		database_failed(r, "cannot write component_health");
	else if (result > 0)
		database_changed(r);
}

void
tell_damaged(struct recorder *r)
{
	struct spool spool;
	struct event e;

	if (spool_open(&spool, r->intake.run_path, BY) < 0)
		return;
	event_begin(&e, BY, "database_damaged", NULL);
	event_text(&e, "component", BY);
	event_text(&e, "detail", store_error(&r->store));
	event_text(&e, "what_to_do",
	    "loopkeeper down and up: it is moved aside and a fresh one made");
	if (spool_add(&spool, &e) < 0)
		logbook_say(&r->log, "the event could not be spooled");
	spool_close(&spool);
}
