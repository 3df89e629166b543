/*
 * The fleet as it is, read from what everybody may read: locks, status
 * records, the mode file, `wanted`, health files of loops, and, where it can
 * be had at once, the database. Wakes nobody and waits for nobody.
 */
#ifndef LOOPKEEPER_CLI_OVERVIEW_H
#define LOOPKEEPER_CLI_OVERVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/path.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/cli.h"
#include "cli/owner.h"
#include "conf/conf.h"
#include "model/component.h"
#include "model/mode.h"
#include "store/attempts.h"
#include "store/store.h"
#include "system/status.h"
#include "system/wanted.h"

/* What a loop is at, by the database or, without one, its health file. */
struct overview_loop {
	bool known;	/* anything below was found */
	bool has_queue; /* passed and left were */
	int64_t passed;
	int64_t left;  /* pending or in progress */
	int64_t ready; /* of these, what could be begun now; -1: unknown */
	int64_t blocked;
	int64_t priority;
	char test[ATTEMPT_TEST_SIZE]; /* "" for none */
	int64_t attempt;
	int64_t max_attempts;	/* 0: unknown */
	int64_t running_ms;	/* since the attempt began; -1: unknown */
	int64_t last_output_ms; /* ago; -1: unknown */
	pid_t worker_pid;	/* 0: none known */
	char doing[64];		/* status of the health file: "idle", ... */
	char transcript[PATH_SIZE];
	char branch[128]; /* of its worktree; "" unknown */
};

struct overview_component {
	char name[TEXT_NAME_MAX + 1];
	bool has_record;
	struct status_record record;
	struct component component;	       /* of the record; else zero */
	pid_t keeper_pid;		       /* 0: none lives */
	const struct component_config *config; /* NULL: not in the file */
	const struct loop_config *loop_config; /* NULL: no loop */
	const struct wanted_entry *wanted;     /* NULL: nobody said */
	enum wanted_state wish; /* by wanted, else by the record */
	bool is_loop;
	bool housekeeping;
	int64_t heartbeat_age_ms; /* -1: none is due, or unknown */
	bool never_heard;	  /* looked for, and there was none */
	struct overview_loop loop;
};

struct overview {
	int64_t now_ms;
	pid_t guardian_pid; /* 0: none lives */
	pid_t daemon_pid;
	bool running;		       /* guardian or daemon lives */
	char owner[OWNER_SIZE];	       /* another user, who alone may read
					  `wanted`; "" when it is ours */
	bool tmpfs;		       /* the run directory is on one */
	char run_directory[PATH_SIZE]; /* "" when there is none */
	bool has_mode;
	enum mode mode;
	int64_t mode_age_ms;   /* since it was entered; -1: unknown */
	char mode_reason[256]; /* "" when there is none to tell */
	struct conf *conf;     /* NULL: the file is faulty */
	struct wanted wanted;
	char epoch[UUID_SIZE]; /* "" when the database couldn't be asked */
	char database_error[STORE_ERROR_SIZE]; /* why not; "" for no reason */
	bool database_broken; /* neither locked nor released: it won't pass */
	struct overview_component *components;
	size_t n;
};

/*
 * Reads everything but the database. Returns 0, or -1 with ENOMEM or the
 * errno of reading `wanted`. Free with overview_free(), on failure too.
 */
int overview_read(struct overview *o, const struct cli *cli);
void overview_free(struct overview *o);

/* Adds what an open database knows of queues and attempts. Returns 0, or -1
 * with errno of store.h. */
int overview_add_store(struct overview *o, struct store *s);

/* The component of that exact name, or NULL. */
struct overview_component *
overview_find(const struct overview *o, const char *name);

/* How the end of its tree is proven: "cgroup", ...; "" when nobody keeps it. */
const char *overview_tree(const struct overview_component *c);

/* What stands in for a component's title, config or not. */
const char *overview_title(const struct overview_component *c);

#endif
