/*
 * A component that lives only in the model: the test is its keeper, and its
 * clock. Every step is checked for what must hold in each state.
 */
#ifndef LOOPKEEPER_TESTS_COMPONENT_WORLD_H
#define LOOPKEEPER_TESTS_COMPONENT_WORLD_H

#include "model/component.h"

struct world {
	struct component c;
	struct component_config *config; /* of the one world at a time */
	struct component_input in;	 /* of the next step */
	struct component_result last;
};

/* One that is wanted running at 1000 ms, with usual limits and no jitter. */
void world_init(struct world *w);

enum component_action world_step(struct world *w, enum component_event event);

/* Sees which event the last step told; NULL: none. */
void world_event_is(const struct world *w, const char *type);

/* It becomes ready; it dies, and its tree is empty. */
void world_start(struct world *w);
void world_die(struct world *w, enum component_cause cause, int code);

/* Goes to the deadline and lets it pass. */
enum component_action world_pass(struct world *w);

#endif
