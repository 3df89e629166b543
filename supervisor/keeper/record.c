#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/evidence.h"
#include "keeper/peers.h"
#include "keeper/record.h"
#include "system/process.h"

_Static_assert(sizeof(struct component) <= STATUS_BLOB_SIZE,
    "the state machine must fit into its record");

void
record_note(struct keeper *k, const char *type, const char *reason)
{
	struct keeper_note *n;

	if (k->nnotes == KEEPER_NOTES) { /* more than one turn can bring */
		k->spool.dropped++;
		return;
	}
	n = &k->notes[k->nnotes++];
	*n = (struct keeper_note){ .type = type,
		.reason = reason,
		.wall_ms = clock_wall_ms(),
		.state = k->c.state,
		.circuit = k->c.circuit,
		.death = k->c.death,
		.pid = k->pid != 0 ? k->pid : k->dead.pid,
		.restarts = k->c.restarts,
		.level = k->c.level,
		.next_ms = k->c.deadline_ms };
}

void
record_inherit(struct keeper *k)
{
	struct status_record r;

	if (status_read(k->dirfd, &r) < 0 || r.keeper_pid == 0 ||
	    r.blob_size != sizeof(k->old))
		return;
	(void)memcpy(&k->old, r.blob, sizeof(k->old));
	k->inherited = true;
	k->dead = (struct keeper_dead){ .due = r.pid != 0,
		.pid = r.pid,
		.started_ms = r.started_ms,
		.fallback = k->old.fallback };
	(void)memcpy(k->dead.status, r.status_text, sizeof(k->dead.status));
	k->record.refused = r.refused;
	k->record.output_dropped = r.output_dropped;
}

static void
fill_config(struct status_record *r, const struct component_config *config)
{
	r->config_hash = config->hash;
	(void)snprintf(r->title, sizeof(r->title), "%s",
	    config_text(config, config->title));
	r->housekeeping = config->housekeeping;
	r->is_loop = config->is_loop;
	r->heartbeat = (int32_t)config->heartbeat;
	r->heartbeat_timeout_ms = config->heartbeat_timeout_ms;
	r->max_restarts = config->restart.max_restarts;
	r->window_ms = config->restart.window_ms;
}

static void
fill(struct keeper *k, int64_t now_ms)
{
	struct status_record *r = &k->record;
	struct process p;

	r->version = STATUS_VERSION;
	r->size = sizeof(*r);
	(void)snprintf(r->name, sizeof(r->name), "%s", k->name);
	r->keeper_pid = k->ended ? 0 : k->self;
	if (k->has_config)
		fill_config(r, k->config);
	if (k->pid != 0 && k->pid_start == 0 && process_read(k->pid, &p) == 0)
		k->pid_start = p.start;
	r->pid = k->pid;
	r->pid_start = k->pid_start;
	r->start_hash = k->start_hash;
	r->started_ms = k->pid != 0 ? k->c.started_ms : 0;
	r->written_ms = now_ms;
	if (k->alive) {
		r->deaths_in_window =
		    component_deaths(&k->c, k->config, now_ms);
		r->blob_size = sizeof(k->c);
		(void)memcpy(r->blob, &k->c, sizeof(k->c));
	}
}

static void
write_event(struct keeper *k, const struct keeper_note *n)
{
	char text[128];

	event_begin(&k->event, k->spool.writer, n->type, NULL);
	event_stamp(&k->event, n->wall_ms);
	event_text(&k->event, "component", k->name);
	event_text(&k->event, "state", component_state_name(n->state));
	event_int(&k->event, "pid", n->pid);
	event_text(&k->event, "cause", component_cause_name(n->death.cause));
	event_int(&k->event, "code", n->death.code);
	event_int(&k->event, "restarts", (int64_t)n->restarts);
	event_int(&k->event, "level", n->level);
	event_text(&k->event, "circuit", component_circuit_name(n->circuit));
	event_int(&k->event, "next_ms", n->next_ms);
	if (n->reason == NULL) {
		evidence_describe(text, sizeof(text), &n->death);
		event_text(&k->event, "reason", text);
	} else {
		event_text(&k->event, "reason", n->reason);
	}
	if (k->record.unkillable_pid != 0) {
		event_int(
		    &k->event, "unkillable_pid", k->record.unkillable_pid);
		event_text(&k->event, "wait_channel", k->record.wait_channel);
	}
	/* What can't be written is counted there; nothing else can be done. */
	(void)spool_add(&k->spool, &k->event);
}

/* That it is being stopped is told together with its end, if that comes soon:
 * so a thousand of them leave each other more room. */
static bool
is_held(struct keeper *k)
{
	if (k->hold_ms != 0 && k->nnotes == 0 &&
	    k->c.state == COMPONENT_STOPPING && clock_ms() < k->hold_ms)
		return true;
	k->hold_ms = 0;
	return false;
}

void
record_flush(struct keeper *k)
{
	if (is_held(k))
		return;
	if (k->changed || k->news || k->nnotes > 0) {
		fill(k, clock_ms());
		/* A full tmpfs: readers see the last one until there is room.
		 */
		/* Before we live, the record is the last one's. */
		if (k->alive || k->ended)
			(void)status_write(&k->status, &k->record);
		k->changed = false;
	}
	if (k->news) {
		k->news = false;
		peers_tell(k);
	}
	for (int i = 0; i < k->nnotes; i++)
		write_event(k, &k->notes[i]);
	k->nnotes = 0;
	if (k->dead.due && k->alive && k->c.state != COMPONENT_STOPPING)
		evidence_write(k);
}

void
record_end(struct keeper *k)
{
	k->ended = true;
	k->changed = k->news = true;
	record_flush(k);
}

void
record_broken(struct keeper *k, const char *what)
{
	const struct log log = { .name = k->name };

	log_line(&log, "keeper: %s in state %s (%s)", what,
	    component_state_name(k->c.state), strerrordesc_np(errno));
	record_note(k, "keeper_confused", what);
}
