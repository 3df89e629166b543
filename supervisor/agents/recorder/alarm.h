/* The recorder's alerts: components that can't be kept up or killed, and a
 * mode that isn't normal. */
#ifndef LOOPKEEPER_AGENTS_RECORDER_ALARM_H
#define LOOPKEEPER_AGENTS_RECORDER_ALARM_H

#include "agents/recorder/views.h"
#include "store/store.h"

/* Raises or clears what follows from the record. Not inside a transaction.
 * Returns 0, or -1 with errno of store.h. */
int alarm_component(struct store *s, const struct view *v);

/* The same for the fleet's mode, by its name. */
int alarm_mode(struct store *s, const char *mode);

/* Clears alerts of components that are no more. */
int alarm_sweep(struct store *s, struct views *views);

#endif
