#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/recorder/beats.h"
#include "agents/recorder/database.h"
#include "base/clock.h"
#include "control/control.h"
#include "store/health.h"

#define PROBE_MS    100 /* how long a lock is waited for to prove there is one */
#define TICK_MIN_MS 50
#define BATCH	    64 /* components in one request */

/* Age reports on their way. */
struct batch {
	char ages[BATCH][24];
	const char *words[1 + 2 * BATCH];
	size_t nwords;
};

static bool
is_watched(const struct view *v)
{
	return (v->heartbeat == HEARTBEAT_DATABASE ||
		   v->heartbeat == HEARTBEAT_FILE) &&
	    v->keeper_lives && v->state == COMPONENT_RUNNING &&
	    v->heartbeat_timeout_ms > 0;
}

/* Where the configuration says that the file is. */
static void
find_path(struct view *v)
{
	struct conf *conf = recorder_conf(NULL);

	for (size_t i = 0; conf != NULL && i < conf->fleet.ncomponents; i++) {
		const struct component_config *c = conf->components[i];

		if (strcmp(c->name, v->name) != 0 ||
		    c->heartbeat != HEARTBEAT_FILE)
			continue;
		free(v->beat_path);
		v->beat_path = strdup(config_text(c, c->heartbeat_path));
	}
	conf_free(conf);
	/* Asked once for each configuration of it. */
	v->beat_path_hash = v->config_hash;
}

static void
read_file_beat(struct view *v, char ret[static VIEW_VALUE_SIZE])
{
	struct stat st;

	ret[0] = '\0';
	if (v->beat_path == NULL || v->beat_path_hash != v->config_hash)
		find_path(v);
	if (v->beat_path == NULL || stat(v->beat_path, &st) < 0)
		return;
	(void)snprintf(ret, VIEW_VALUE_SIZE, "%ju %jd.%09ld",
	    (uintmax_t)st.st_ino, (intmax_t)st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec);
}

/*
 * What the value was when another watcher last reported isn't known: ours must
 * not pass for a change. It is only told, with the time of that report, when
 * nothing has changed for so long that the keeper has to know.
 */
static int64_t
age_since_report(const struct view *v, int64_t now_ms)
{
	return now_ms - v->beat_changed_ms < v->heartbeat_timeout_ms
	    ? -1
	    : now_ms - v->seen_ms;
}

/* How long the value has been unchanged; -1 when it can't be said. */
static int64_t
age_of(struct recorder *r, struct view *v, bool writable, int64_t now_ms)
{
	char value[VIEW_VALUE_SIZE] = "";

	if (v->heartbeat == HEARTBEAT_FILE) {
		read_file_beat(v, value);
	} else if (!writable ||
	    health_heartbeat(&r->store, v->name, value, sizeof(value)) < 0) {
		v->beat_changed_ms = 0;
		return -1;
	}
	if (v->beat_changed_ms == 0 || strcmp(value, v->beat_value) != 0) {
		(void)memcpy(v->beat_value, value, sizeof(value));
		v->beat_known = v->beat_changed_ms != 0;
		v->beat_changed_ms = now_ms;
	}
	if (v->beat_changed_ms < v->started_ms)
		v->beat_changed_ms = v->started_ms;
	v->beat_known |= v->seen_ms == 0;
	if (!v->beat_known)
		return age_since_report(v, now_ms);
	return now_ms > v->beat_changed_ms ? now_ms - v->beat_changed_ms : 0;
}

/* One that the daemon doesn't know (any more) spoils the whole request: then
 * each goes alone. Without a daemon nobody is judged. */
static void
send_batch(struct recorder *r, struct batch *b)
{
	char reply[256];

	b->words[0] = "seen";
	if (b->nwords > 1 &&
	    control_request(r->state_directory, b->words, b->nwords, reply,
		sizeof(reply)) < 0 &&
	    errno == EPROTO && b->nwords > 3) {
		for (size_t i = 1; i < b->nwords; i += 2) {
			const char *words[] = { "seen", b->words[i],
				b->words[i + 1] };

			(void)control_request(
			    r->state_directory, words, 3, reply, sizeof(reply));
		}
	}
	b->nwords = 1;
}

static void
add_age(struct recorder *r, struct batch *b, const struct view *v, int64_t age)
{
	char *text = b->ages[(b->nwords - 1) / 2];

	(void)snprintf(text, sizeof(b->ages[0]), "%" PRId64, age);
	b->words[b->nwords++] = v->name;
	b->words[b->nwords++] = text;
	if (b->nwords == 1 + 2 * BATCH)
		send_batch(r, b);
}

/* While somebody holds the write lock nobody's heartbeat can come. */
static bool
is_writable(struct recorder *r)
{
	int begun = -1;

	if (r->database != DATABASE_OPEN)
		return false;
	store_set_busy(&r->store, PROBE_MS);
	begun = store_begin(&r->store);
	if (begun == 0)
		store_rollback(&r->store);
	else if (begun > 0)
		database_changed(r);
	if (r->store.db != NULL)
		store_set_busy(&r->store, RECORDER_BUSY_MS);
	return begun == 0;
}

static int64_t
shortest_tick(const struct views *views, bool *ret_database)
{
	int64_t tick_ms = 0;

	*ret_database = false;
	for (size_t i = 0; i < views->n; i++) {
		const struct view *v = views->list[i];

		if (!is_watched(v))
			continue;
		*ret_database |= v->heartbeat == HEARTBEAT_DATABASE;
		if (tick_ms == 0 || v->heartbeat_timeout_ms / 4 < tick_ms)
			tick_ms = v->heartbeat_timeout_ms / 4;
	}
	return tick_ms > 0 && tick_ms < TICK_MIN_MS ? TICK_MIN_MS : tick_ms;
}

void
beats_look(struct recorder *r)
{
	struct batch b = { .nwords = 1 };
	bool by_database, writable = true;
	int64_t tick_ms, now_ms;

	r->beats_ms = 0;
	tick_ms = shortest_tick(&r->views, &by_database);
	if (tick_ms == 0)
		return;
	recorder_due(&r->beats_ms, tick_ms);
	/* Who has been restarted since is not to get its predecessor's age. */
	if (views_read(&r->views, r->state_directory) < 0)
		return;
	if (by_database)
		writable = is_writable(r);
	now_ms = clock_ms();
	for (size_t i = 0; i < r->views.n; i++) {
		struct view *v = r->views.list[i];
		int64_t age_ms;

		if (!is_watched(v)) {
			v->beat_changed_ms = 0;
			continue;
		}
		age_ms = age_of(r, v, writable, now_ms);
		if (age_ms >= 0)
			add_age(r, &b, v, age_ms);
	}
	send_batch(r, &b);
}
