#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "keeper/birth.h"
#include "keeper/hear.h"
#include "keeper/judge.h"
#include "keeper/peers.h"
#include "keeper/reap.h"
#include "keeper/record.h"
#include "keeper/start.h"
#include "keeper/step.h"

#define HEAR_MAX 4096 /* messages in one turn */

static void
collect(struct keeper *k)
{
	struct loop_event e;

	while (loop_next(&k->loop, &e)) {
		switch ((enum keeper_source)e.kind) {
		case SOURCE_STARTUP: start_look(k); break;
		case SOURCE_NOTIFY: hear_drain(k, HEAR_MAX); break;
		case SOURCE_LISTEN: peers_accept(k); break;
		case SOURCE_PEER: peers_serve(k, e.owner, e.events); break;
		case SOURCE_MAIN: reap_main(k); break;
		case SOURCE_OUTPUT: judge_output(k); break;
		case SOURCE_ROOM: k->output_had_room = true; break;
		}
	}
}

/* Says once what is wrong with our own book, not at every turn. */
static void
check(struct keeper *k)
{
	const char *broken = k->alive ? component_check(&k->c) : NULL;

	if (broken != NULL && broken != k->broken)
		record_broken(k, broken);
	k->broken = broken;
}

static bool
is_over(const struct keeper *k)
{
	return k->leaving && (!k->alive || k->c.state == COMPONENT_STOPPED);
}

static void
listen_again(struct keeper *k)
{
	if (k->deaf_ms != 0 && clock_ms() >= k->deaf_ms &&
	    loop_hear_signals(&k->loop, true) == 0)
		k->deaf_ms = 0;
}

/* Wait, collect, decide, record. */
static void
turn(struct keeper *k)
{
	uint64_t signals;

	if (loop_wait(&k->loop, judge_next_ms(k)) < 0)
		record_broken(k, "waiting for events failed");
	listen_again(k);
	collect(k);
	signals = loop_signals(&k->loop);
	/* All were read before one is obeyed: who is to stop a component must
	 * not start it once more because its death was seen first. */
	if ((signals & (loop_signal_bit(SIGTERM) | loop_signal_bit(SIGINT))) !=
	    0)
		step_leave(k, 0);
	if ((signals & loop_signal_bit(SIGCHLD)) != 0)
		reap_all(k);
	judge_due(k);
	check(k);
	if (is_over(k))
		record_end(k);
	else
		record_flush(k);
}

_Noreturn void
keeper_run(const struct keeper_birth *birth)
{
	struct keeper *k = birth_give(birth);

	while (!k->ended)
		turn(k);
	birth_undo(k);
	_exit(EXIT_SUCCESS);
}
