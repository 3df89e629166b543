/* The environment of what is run for a loop: its setup, workers and tests. */
#ifndef LOOPKEEPER_CONF_LOOP_ENVIRONMENT_H
#define LOOPKEEPER_CONF_LOOP_ENVIRONMENT_H

#include <stdbool.h>

#include "base/texts.h"
#include "conf/conf.h"

struct loop_environment {
	const struct loop_config *config;
	int index;	       /* for ports: no two that run at once share it */
	const char *directory; /* absolute, with all worktrees below it */
	bool has_hooks;	       /* GIT_CONFIG_COUNT and PATH will be added */
};

/* Ours, without what is private, and what all of them are told. */
void loop_environment_add(struct texts *t, const struct loop_environment *e);

#endif
