#include <signal.h>

#include "base/clock.h"
#include "keeper/evidence.h"
#include "keeper/judge.h"
#include "keeper/peers.h"
#include "keeper/record.h"
#include "keeper/step.h"

#define FORGIVEN_MS   1000 /* being later than this is our own fault */
#define LOOK_AGAIN_MS 1000 /* at a full pipe */
#define DROP_LOOK_MS  1000 /* at output that is there but not too much */
#define DROP_AGAIN_MS 10   /* at output that was too much just now */

static int64_t
earlier(int64_t a_ms, int64_t b_ms)
{
	return b_ms == 0 || (a_ms != 0 && a_ms < b_ms) ? a_ms : b_ms;
}

int64_t
judge_next_ms(const struct keeper *k)
{
	int64_t next_ms = earlier(
	    earlier(k->hold_ms, k->deaf_ms), earlier(k->ending_ms, k->drop_ms));

	if (!k->alive)
		return next_ms;
	return earlier(
	    earlier(next_ms, k->look_ms), component_next_ms(&k->c, k->config));
}

/* Only who reads makes room in a full pipe, however soon it is full again. */
static void
watch_room(struct keeper *k)
{
	k->output_had_room = false;
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		loop_remove(&k->loop, &k->room_key[i]);
		if (output_stream_is_full(&k->output, (enum output_stream)i))
			k->room_key[i] =
			    loop_add(&k->loop, k->output.write_fd[i],
				EPOLLOUT | EPOLLONESHOT, SOURCE_ROOM, NULL);
	}
}

/*
 * Whether it may be blocked by its own output: a pipe is full and nobody
 * reads, because the logger is away, or because nothing of it was taken
 * since we last looked. What lies in it tells that only where its lines
 * differ.
 */
static bool
is_blocked(struct keeper *k)
{
	uint64_t last = k->output_mark;
	bool had_room = k->output_had_room;

	if (!output_is_full(&k->output)) {
		k->output_mark = 0;
		return false;
	}
	k->output_mark = output_mark(&k->output);
	watch_room(k);
	/* The first look at a full pipe tells nothing yet: look again. */
	return !peers_have_logger(k) || last == 0 ||
	    (last == k->output_mark && !had_room);
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Forgives who is blocked by its output when something is due, and from then
 * on at each look until it isn't: the moment at which it could write again is
 * not known, and after that it must have its time. Returns whether it was.
 */
static bool
excuse(struct keeper *k, int64_t now_ms)
{
	const struct component_config *config = k->config;
	int64_t silent_ms = now_ms - k->c.beat_ms;
	int64_t over_ms = now_ms - k->c.deadline_ms;
	bool looking = k->look_ms != 0 && now_ms >= k->look_ms;
	bool starting = k->c.state == COMPONENT_STARTING &&
	    k->c.deadline_ms != 0 && (looking || over_ms >= 0);
	bool silent = k->c.state == COMPONENT_RUNNING && k->c.beat_ms > 0 &&
	    config->heartbeat == HEARTBEAT_NOTIFY &&
	    (looking || silent_ms >= config->heartbeat_late_ms);
	int64_t time_ms =
	    starting ? config->start_timeout_ms : config->heartbeat_late_ms;

	if (looking)
		k->look_ms = 0;
	if ((!starting && !silent) || !is_blocked(k))
		return false;
	component_forgive(&k->c, starting ? over_ms + time_ms : silent_ms);
	k->look_ms = now_ms + smaller(LOOK_AGAIN_MS, time_ms / 2);
	return true;
}

static void
judge_heartbeat(struct keeper *k, int verdict)
{
	static const struct component_death death = { .cause = CAUSE_STUCK };

	if (verdict == 0)
		return;
	k->changed = k->news = true;
	if (verdict == 1)
		record_note(k, "component_late", "no heartbeat");
	else
		step_event(k, EVENT_STUCK, &death);
}

/* It said that it would end, and hasn't. */
static void
end_ending(struct keeper *k, int64_t now_ms)
{
	if (k->ending_ms == 0 || now_ms < k->ending_ms)
		return;
	k->ending_ms = 0;
	if (k->c.state != COMPONENT_STARTING && k->c.state != COMPONENT_RUNNING)
		return;
	evidence_snapshot(k);
	step_kill(k);
}

/* Takes from the output what a logger that is away can't take. One that is
 * there reads by itself: two readers would steal from each other. */
static void
drop_output(struct keeper *k, int64_t now_ms)
{
	uint64_t dropped = 0, pending = 0;

	if (k->drop_ms == 0 || now_ms < k->drop_ms)
		return;
	k->drop_ms = 0;
	if (peers_have_logger(k) || k->config->log.when_full != WHEN_FULL_DROP)
		return;
	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		enum output_stream stream = (enum output_stream)i;

		if (output_stream_is_full(&k->output, stream))
			dropped += output_drop(&k->output, stream);
		pending += output_pending(&k->output, stream);
	}
	if (dropped > 0) {
		k->record.output_dropped += dropped;
		k->changed = true;
		k->drop_ms = now_ms + DROP_AGAIN_MS;
	} else if (pending > 0) {
		k->drop_ms = now_ms + DROP_LOOK_MS;
	} else {
		judge_watch_output(k);
	}
}

void
judge_watch_output(struct keeper *k)
{
	bool wanted = k->has_config &&
	    k->config->log.when_full == WHEN_FULL_DROP && !peers_have_logger(k);

	for (int i = 0; i < OUTPUT_STREAMS; i++) {
		loop_remove(&k->loop, &k->output_key[i]);
		if (wanted)
			k->output_key[i] =
			    loop_add(&k->loop, k->output.read_fd[i],
				EPOLLIN | EPOLLONESHOT, SOURCE_OUTPUT, NULL);
	}
}

void
judge_output(struct keeper *k)
{
	if (k->drop_ms == 0)
		k->drop_ms = clock_ms() + DROP_AGAIN_MS;
}

void
judge_seen(struct keeper *k, int64_t age_ms)
{
	bool was_late = k->c.late;
	int verdict;

	if (!k->alive || k->ending_ms != 0)
		return;
	if (age_ms >= k->config->heartbeat_late_ms && is_blocked(k)) {
		/* So that it has time for a heartbeat when it can write. */
		k->c.seen_ms = clock_ms();
		return;
	}
	verdict = component_seen(&k->c, k->config, age_ms, clock_ms());
	k->changed = true;
	if (was_late && !k->c.late)
		record_note(k, "component_recovered", "heartbeat is back");
	judge_heartbeat(k, verdict);
}

/* Nobody is judged for a time in which we didn't look; but what was heard
 * since needs no forgiveness. */
static void
forgive(struct keeper *k, int64_t now_ms)
{
	component_forgive(&k->c, k->loop.late_ms);
	if (k->c.beat_ms > now_ms)
		k->c.beat_ms = now_ms;
	k->loop.late_ms = 0;
}

void
judge_due(struct keeper *k)
{
	int64_t now_ms = clock_ms();

	drop_output(k, now_ms);
	end_ending(k, now_ms);
	if (!k->alive)
		return;
	if (k->loop.late_ms > FORGIVEN_MS)
		forgive(k, now_ms);
	if (excuse(k, now_ms))
		return;
	judge_heartbeat(k, component_judge(&k->c, k->config, now_ms));
	if (k->c.deadline_ms != 0 && now_ms >= k->c.deadline_ms)
		step_event(k, EVENT_TIMEOUT, NULL);
}
