/* DIRECTORY/specs/health.json: how the loop is, for programs that know only
 * this file, and for `status` while the database can't be had. */
#ifndef LOOPKEEPER_AGENTS_LOOP_HEALTH_H
#define LOOPKEEPER_AGENTS_LOOP_HEALTH_H

#include <stdint.h>
#include <sys/types.h>

#include "model/mode.h"
#include "store/claims.h"

struct health {
	const char *loop_id;
	const char *status;	  /* "running", "idle", ... */
	const char *current_test; /* "" for none */
	int attempt;		  /* 0 for none */
	int64_t started_wall_ms;  /* of the attempt; 0 for none */
	int64_t output_wall_ms;	  /* last output; 0 for none */
	pid_t worker_pid;	  /* 0 for none */
	struct claim_counts counts;
	enum mode mode;
};

/* Replaces the file atomically; last_heartbeat is now. Returns 0, or -1 with
 * errno. */
int health_write(const char *path, const struct health *health);

#endif
