/*
 * The components as their keepers' records show them, and what the recorder
 * remembers about each between two looks.
 */
#ifndef LOOPKEEPER_AGENTS_RECORDER_VIEWS_H
#define LOOPKEEPER_AGENTS_RECORDER_VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/component.h"

#define VIEW_VALUE_SIZE 64

struct view {
	char name[TEXT_NAME_MAX + 1];
	bool seen; /* by the last look */
	bool left; /* it has no record any more: to be told, and forgotten */
	bool keeper_lives;
	bool is_loop;
	int32_t pid; /* 0: none */
	int32_t unkillable_pid;
	int64_t started_ms;
	uint64_t config_hash;
	enum config_heartbeat heartbeat;
	int64_t heartbeat_timeout_ms;
	/* Of its struct component, which is four times as large: a thousand of
	 * them are kept here. */
	enum component_state state;
	enum component_want want;
	enum component_circuit circuit;
	bool fallback;
	bool late;
	uint64_t restarts;
	int64_t beat_ms;
	int64_t seen_ms;
	struct component_death death;

	/* What the database says of it already. */
	bool told;	     /* anything at all */
	uint64_t told_hash;  /* over what was written */
	int64_t followed_ms; /* started_ms whose predecessor is repaired */

	/* A heartbeat that is watched for it. */
	char *beat_path;	 /* owned; NULL until it was asked for */
	uint64_t beat_path_hash; /* config_hash for which it was */
	char beat_value[VIEW_VALUE_SIZE]; /* "" none yet */
	int64_t beat_changed_ms;	  /* by our clock; 0: never looked */
	bool beat_known; /* when that was; else it is when we first looked */
};

struct views {
	struct view **list;
	size_t n;
	size_t next; /* where the next one is expected: their order is stable */
};

/* Reads all records of STATE/run; components without one any more are stopped,
 * and forgotten as soon as that was told. Returns 0, or -1 with errno. */
int views_read(struct views *v, const char *state_directory);

/* Forgets what the database was told: another lies there now. */
void views_untell(struct views *v);
void views_free(struct views *v);

#endif
