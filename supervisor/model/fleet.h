/*
 * Judgements on the fleet as a whole: its mode, and its circuit. Pure: the
 * daemon hands over what it knows of its members and does what comes out.
 */
#ifndef LOOPKEEPER_MODEL_FLEET_H
#define LOOPKEEPER_MODEL_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/component.h"
#include "model/config.h"
#include "model/mode.h"

#define FLEET_MISSING_MS 15000 /* not ready for so long: missing */
#define FLEET_KIND_MIN	 3     /* a kind of fewer has no circuit */

/* What the daemon knows of one component. */
struct fleet_member {
	const struct component_config *config;
	struct component component; /* as its keeper last told */
	int64_t absent_ms; /* wanted and not ready since; 0: is ready */
	bool held;	   /* the daemon holds it back */
};

/* The circuit of one kind, kept by the daemon. */
struct fleet_circuit {
	char kind[TEXT_NAME_MAX + 1];
	bool open;
	enum component_cause cause; /* that most died of */
	int32_t code;
	int64_t since_ms;
	size_t canary; /* index of the one that is tried; only while open */
};

/* Keeps absent_ms true after a change of m. */
void fleet_note(struct fleet_member *m, int64_t now_ms);

/*
 * The mode that holds now, and which member is the reason (*ret_reason, the
 * number of members when the mode is normal). *ret_next_ms is when to ask
 * again, 0 if only a change of a member can change the answer.
 */
enum mode fleet_mode(const struct fleet_member *members, size_t n,
    int64_t now_ms, size_t *ret_reason, int64_t *ret_next_ms);

/*
 * Judges the circuit of kind after a member died, held, or changed. It opens
 * when more than half of its wanted members, and at least FLEET_KIND_MIN,
 * died of one cause (and code) within their window and are not ready; the
 * first of them is the canary. It closes when the canary is ready and back at
 * level 0. Returns true when `open` or `canary` changed; the caller then
 * holds all members of the kind that are not ready, but for the canary, or
 * releases all.
 */
bool fleet_judge(struct fleet_circuit *circuit,
    const struct fleet_member *members, size_t n, int64_t now_ms);

#endif
