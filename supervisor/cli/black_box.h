/*
 * What is left of the last death of a component: the keeper's record of it
 * (keeper/evidence.h says what stands in it), the end of both streams, the
 * processes, and what the database knows of the test that was open and of the
 * repairs. `why` shows it.
 */
#ifndef LOOPKEEPER_CLI_BLACK_BOX_H
#define LOOPKEEPER_CLI_BLACK_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/text.h"
#include "cli/log_tail.h"
#include "store/store.h"

#define BLACK_BOX_LINES 20 /* shown of each stream, at most */

struct black_box {
	char name[TEXT_NAME_MAX + 1];
	bool died;
	char death[8192]; /* KEY=VALUE lines, each ended by a NUL */
	size_t death_len;
	char died_at[32];	/* ISO 8601 */
	struct log_tail output; /* the last lines, oldest first */
	struct log_tail later;	/* the first ones after the death */
	char *proc;		/* "" for none */
	char test[128];		/* open when it died; "" for none */
	json_t *repairs; /* array of {timestamp, event_type, payload, ...} */
};

/*
 * Reads run/c/NAME and the log. Returns 0, also when it never died (.died is
 * then false), or -1 with errno: ENOENT the fleet was never up since the
 * machine started, or has no such component. Free with black_box_free(), on
 * failure too.
 */
int black_box_read(
    struct black_box *box, const char *state_directory, const char *name);
void black_box_free(struct black_box *box);

/* Adds .test and .repairs. Returns 0, or -1 with errno of store.h. */
int black_box_add_store(struct black_box *box, struct store *s);

/* A value of the keeper's record; "" when there is none. */
const char *black_box_text(const struct black_box *box, const char *key);
int64_t black_box_int(const struct black_box *box, const char *key);

#endif
