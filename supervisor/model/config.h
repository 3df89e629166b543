/*
 * The configuration as plain memory: no pointers, so that it can be hashed,
 * sent to a keeper in one message and compared byte by byte. conf/ fills it,
 * everybody else only reads. All durations are ms.
 *
 * Strings of any length lie in text[], each ended by a NUL, and are named by
 * their offset; offset 0 is always the empty string and means "not set".
 */
#ifndef LOOPKEEPER_MODEL_CONFIG_H
#define LOOPKEEPER_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "model/mode.h"

#define CONFIG_VERSION	      1
#define CONFIG_SIZE_MAX	      65536 /* of one component, its text included */
#define CONFIG_GROUPS_MAX     32
#define CONFIG_DEATHS_MAX     64 /* max_restarts is below this */
#define CONFIG_COMPONENTS_MAX 4096

enum config_ready { READY_EXEC, READY_NOTIFY };
enum config_heartbeat {
	HEARTBEAT_NONE,
	HEARTBEAT_NOTIFY,
	HEARTBEAT_DATABASE,
	HEARTBEAT_FILE
};
enum config_restart { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };
enum config_access { ACCESS_MAIN, ACCESS_TREE };
enum config_when_full { WHEN_FULL_BLOCK, WHEN_FULL_DROP };

/* count strings, one after the other, from text[offset] on. */
struct config_list {
	uint32_t offset;
	uint32_t count;
};

struct config_restart_policy {
	enum config_restart policy;
	int32_t max_restarts;	 /* 0: no circuit; < CONFIG_DEATHS_MAX */
	int64_t delay_ms;	 /* at least 1 */
	int64_t delay_max_ms;	 /* at least delay_ms */
	int64_t window_ms;	 /* at least 1 */
	int64_t stable_after_ms; /* at least 1 */
	int64_t retry_every_ms;	 /* at least 1 */
};

struct config_limits { /* -1: not set */
	int64_t nofile;
	int64_t nproc;
	int64_t core;	/* bytes */
	int64_t memory; /* bytes, of the whole tree (cgroup) */
	int64_t pids;	/* of the whole tree (cgroup) */
	bool required;	/* a limit that can't be enforced fails the start */
};

struct config_log {
	int64_t size; /* bytes of one file before it is rotated */
	int32_t keep; /* rotated files */
	enum config_when_full when_full;
};

struct component_config {
	uint32_t size;	  /* of the whole struct with its text, in bytes */
	uint32_t version; /* CONFIG_VERSION */
	uint64_t hash;	  /* over all that follows start_hash */
	/* Over what a running process was started with (command, ready,
	 * environment, user, limits, ...): it changed means restart, only
	 * `hash` changed means apply in place. */
	uint64_t start_hash;

	char name[TEXT_NAME_MAX + 1]; /* unique in the fleet */
	char kind[TEXT_NAME_MAX + 1]; /* for the fleet's circuit */
	bool enabled;
	bool housekeeping; /* recorder, logger, hooks: ours, not in the file */
	bool is_loop;	   /* has a `loop` group */
	enum config_ready ready;
	int64_t start_timeout_ms;

	enum config_heartbeat heartbeat;
	int64_t heartbeat_timeout_ms; /* stuck at it */
	int64_t heartbeat_late_ms;    /* late at it; below the timeout */

	struct config_restart_policy restart;
	enum mode mode_when_down; /* MODE_NORMAL: none */

	int32_t stop_signal;
	int32_t watchdog_signal;
	int64_t stop_timeout_ms;

	enum config_access notify_access;
	struct config_log log;

	bool has_user; /* uid, gid and groups are to be taken on */
	uint32_t uid;
	uint32_t gid;
	uint32_t ngroups;
	uint32_t groups[CONFIG_GROUPS_MAX];

	int32_t umask; /* -1: as inherited */
	int32_t nice;
	int32_t oom_score_adj;
	bool no_new_privs;
	struct config_limits limits;

	int64_t schedule_every_ms;  /* 0: no such schedule */
	int32_t schedule_daily_min; /* minutes after local midnight; -1: none */

	uint32_t title; /* the name where the file gives none */
	uint32_t working_directory;
	uint32_t heartbeat_path;
	struct config_list command;	/* [0] is an absolute path */
	struct config_list fallback;	/* count 0: none */
	struct config_list environment; /* KEY=VALUE, over the inherited one */
	struct config_list after;	/* names */

	uint32_t text_size; /* of text[], at least 1 */
	char text[];	    /* text[0] is NUL, and so is the last byte */
};

/* What the daemon needs to know of the whole fleet. On the pipe from the
 * configuration helper it is followed by its components. */
struct fleet_config {
	uint32_t magic; /* FLEET_MAGIC */
	uint32_t version;
	uint32_t ncomponents;
	uint32_t control_gid; /* may use the control socket too; -1: none */
	char state_directory[4096]; /* absolute */
	char config_path[4096];	    /* absolute */
};
#define FLEET_MAGIC 0x4c4b4631U

/* The string at offset; "" for 0. */
const char *config_text(const struct component_config *c, uint32_t offset);

/* The i-th string of list; i must be below list.count. */
const char *config_item(
    const struct component_config *c, struct config_list list, uint32_t i);

/*
 * Whether n bytes are a whole component_config of this version whose every
 * offset lies inside its text: what a receiver asks before it believes a
 * message.
 */
bool config_is_valid(const void *bytes, size_t n);

/* Computes hash and start_hash of a config that is otherwise complete. */
void config_seal(struct component_config *c);

#endif
