/* Whom a component runs as: names into numbers. */
#ifndef LOOPKEEPER_CONF_USER_H
#define LOOPKEEPER_CONF_USER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/arena.h"
#include "conf/draft.h"
#include "model/config.h"

struct identity {
	bool taken_on; /* uid, gid and groups differ from ours */
	uid_t uid;
	gid_t gid;
	uint32_t ngroups;
	gid_t groups[CONFIG_GROUPS_MAX];
	const char *name; /* for the environment; NULL where no user is set */
	const char *home;
	const char *shell;
};

/*
 * Resolves `user` and `group` of a draft. Faults are added for what doesn't
 * exist or isn't allowed. The texts are the arena's. Returns 0, or -1 with
 * ENOMEM.
 */
int user_resolve(const struct draft *d, struct faults *f, struct arena *arena,
    struct identity *ret);

/* The number of the group that key id names, or -1 after a fault. */
int64_t user_group(const struct draft *d, struct faults *f, enum key_id id);

#endif
