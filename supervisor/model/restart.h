/*
 * What a death leads to: back-off, window and circuit. Arithmetic that
 * component.c asks; the state is never written here.
 */
#ifndef LOOPKEEPER_MODEL_RESTART_H
#define LOOPKEEPER_MODEL_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "model/component.h"

/* Puts a death at now_ms into the window. Deaths that an operator, a reload
 * or a schedule asked for never come here. */
void restart_record(
    struct component *c, const struct component_death *death, int64_t now_ms);

/* Whether it ended as it should: exit 0, and but for policy `always` also TERM,
 * INT and HUP from outside. */
bool restart_is_clean(
    const struct component_config *config, const struct component_death *d);

/* Whether the policy leaves it ended after this death. */
bool restart_is_over(
    const struct component_config *config, const struct component_death *d);

/*
 * How long after its death c is started again, ms; raises the level. random
 * gives the +-10 %.
 */
int64_t restart_delay_ms(struct component *c,
    const struct component_config *config, uint32_t random);

/* Whether the last death opens the circuit: one more than max_restarts in the
 * window, or the one try of a half-open circuit. */
bool restart_opens_circuit(const struct component *c,
    const struct component_config *config, int64_t now_ms);

#endif
