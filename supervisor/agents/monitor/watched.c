#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "agents/monitor/monitor.h"
#include "base/hash.h"
#include "store/alive.h"
#include "store/claims.h"

/* What the loop says of itself. */
struct health {
	int64_t progress_ms; /* the last sign of life of its job; 0: none */
	bool waits;	     /* something keeps it from its queue */
};

static void
read_health(const struct watched *w, struct health *ret)
{
	char path[PATH_SIZE];
	json_t *file = NULL;

	if (path_format(path, "%s/specs/health.json", w->config->directory) ==
	    0)
		file = json_load_file(path, 0, NULL);
	ret->progress_ms =
	    json_integer_value(json_object_get(file, "progress_ms"));
	ret->waits = json_is_string(json_object_get(file, "waits_for"));
	json_decref(file);
}

static void
begin_attempt(struct watched *w, const struct progress *progress)
{
	if (strcmp(progress->attempt_id, w->progress.attempt_id) != 0) {
		w->evidence[0] = '\0';
		w->stopped_ms = 0;
		w->is_broad = w->is_outside = w->is_unseen = false;
	}
	w->progress = *progress;
}

static uint64_t
hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

static uint64_t
hash_changed(uint64_t hash, const struct changed *c)
{
	for (size_t i = 0; i < c->n; i++) {
		hash = hash_text(hash, c->files[i].path);
		hash = hash_bytes(
		    hash, &c->files[i].wall_ms, sizeof(c->files[i].wall_ms));
	}
	return hash;
}

/* Where git hangs it does so for all: one look at a repository is enough. */
static void
spare_others(struct monitor *m, const struct watched *w)
{
	for (size_t i = 0; i < m->nloops; i++) {
		struct watched *other = &m->loops[i];

		if (strcmp(other->config->repository, w->config->repository) ==
		    0)
			other->changed.rest_ms = w->changed.rest_ms;
	}
}

/* Without a list there is less evidence. */
static void
look_at_changes(struct monitor *m, struct watched *w, int64_t now_ms)
{
	if (changed_look(&w->changed, &w->progress, now_ms) >= 0)
		return;
	if (errno == ETIMEDOUT)
		spare_others(m, w);
	if (!w->is_unseen)
		log_line(&m->agent.log, "%s: what it has changed: %s",
		    w->config->name, w->changed.git.error);
	w->is_unseen = true;
}

/* Output and CPU time are what the loop has seen of them. */
static void
look_at_attempt(struct monitor *m, struct watched *w,
    const struct health *health, int64_t now_ms)
{
	uint64_t hash = HASH_INIT;

	look_at_changes(m, w, now_ms);
	hash = hash_text(hash, w->progress.attempt_id);
	hash = hash_text(hash, w->progress.state);
	hash =
	    hash_bytes(hash, &health->progress_ms, sizeof(health->progress_ms));
	hash = hash_changed(hash, &w->changed);
	w->still_ms = watch_look(&w->watch, hash, now_ms);
	m->has_work = true;
}

/* Whether it could take a test now: 1, 0, -1. */
static int
has_test(struct monitor *m, struct watched *w)
{
	struct store *s = &m->agent.store;
	const struct claim_request request = { .loop_id = w->config->name,
		.max_attempts = w->config->max_attempts,
		.no_overlap = m->agent.mode == MODE_SLOW,
		.no_passing = m->agent.mode == MODE_CONSERVATIVE };
	struct claim_counts counts;
	bool locked;
	int found = claims_any(s, &request, &locked);

	if (found > 0 && claims_count(s, w->config->name, &counts) < 0)
		return -1;
	if (found > 0)
		w->npending = counts.pending;
	return found;
}

/* Whether another program works as this loop, in its own way. */
static bool
is_foreign(const struct monitor *m, const struct watched *w)
{
	for (size_t i = 0; i < m->nforeign; i++)
		if (strcmp(m->foreign[i].loop_id, w->config->name) == 0)
			return true;
	return false;
}

/* Whether somebody has said that it is to take none. */
static bool
is_kept(const struct monitor *m, const struct watched *w,
    const struct health *health)
{
	const struct conf *conf = m->agent.conf;

	return !conf_has_loop(conf, w->config->name) || is_foreign(m, w) ||
	    wanted_find(&m->wanted, w->config->name) != NULL ||
	    (w->is_alive && health->waits) ||
	    (conf->regressions.hold_claims && m->nregressed > 0);
}

static int
look_at_queue(struct monitor *m, struct watched *w, const struct health *health,
    int64_t now_ms)
{
	struct agent *a = &m->agent;
	char event[UUID_SIZE] = "";
	int found = 0;

	(void)changed_look(&w->changed, NULL, now_ms);
	w->is_alive =
	    alive_by_record(a->state_directory, w->config->name) == ALIVE_YES;
	if (!is_kept(m, w, health))
		found = has_test(m, w);
	if (found < 0 ||
	    progress_last_event(
		&a->store, w->config->name, event, sizeof(event)) < 0)
		return -1;
	w->is_in_vain = found > 0;
	if (w->is_in_vain) {
		w->still_ms =
		    watch_look(&w->watch, hash_text(HASH_INIT, event), now_ms);
		m->has_work = true;
	} else {
		watch_clear(&w->watch);
	}
	return 0;
}

int
watched_look(struct monitor *m, struct watched *w, int64_t now_ms)
{
	struct progress progress = { 0 };
	struct health health;
	int found =
	    progress_of_loop(&m->agent.store, w->config->name, &progress);

	if (found < 0)
		return -1;
	read_health(w, &health);
	w->is_busy = found > 0;
	w->is_in_vain = false;
	w->still_ms = 0;
	begin_attempt(w, &progress);
	if (!w->is_busy)
		return look_at_queue(m, w, &health, now_ms);
	look_at_attempt(m, w, &health, now_ms);
	return 0;
}
