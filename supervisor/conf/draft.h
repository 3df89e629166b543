/*
 * The values of a component, or of the top level, on their way from the file
 * to the structs: by key, each with the place it comes from, so that whatever
 * is found wrong with it later can be told with its line.
 */
#ifndef LOOPKEEPER_CONF_DRAFT_H
#define LOOPKEEPER_CONF_DRAFT_H

#include <libconfig.h>

#include "conf/fault.h"
#include "conf/keys.h"

struct value {
	struct place at;   /* source NULL: no file sets it */
	const char *owner; /* "loop-1", "defaults"; "" at the top level */
	const config_setting_t *setting; /* NULL: no file sets it */
	int64_t number;	  /* where the key's value is one; -1 for none */
	const char *text; /* TYPE_TEXT, TYPE_PATH; "" for none */
};

struct draft {
	struct value values[KEY_COUNT];
	/* Of `defaults`, beneath the component's own. */
	struct value base_environment;
};

/* One group of settings that is read: where it stands and what it may hold. */
struct reader {
	const struct source *source;
	struct faults *faults;
	const char *owner;
	enum key_id first; /* keys from here on */
	enum key_id end;   /* and below this */
};

/* What holds where no file says anything. */
void draft_init(struct draft *d);

/*
 * Reads a group into d. prefix is what its keys' names begin with ("" or
 * "loop."). What is wrong becomes faults, and the value stays as it was.
 */
void draft_read(const struct reader *r, const config_setting_t *group,
    const char *prefix, struct draft *d);

/* Texts of a TYPE_WORDS or TYPE_COMMAND; i is below the count. */
size_t draft_count(const struct value *v);
const char *draft_word(const struct value *v, size_t i);
struct place draft_place(const struct value *v, size_t i);

/* Adds a fault about one value: "OWNER: KEY TEXT"; at the component's name
 * where no file sets the value. */
void draft_fault(struct faults *f, const struct draft *d, enum key_id id,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
