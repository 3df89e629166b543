/*
 * A preset's file, once libconfig has parsed it: its keys into the structs of
 * preset.h, and whether they make sense together. As everywhere in conf/, what
 * is wrong becomes faults, all of them.
 */
#ifndef LOOPKEEPER_CONF_PRESET_FILE_H
#define LOOPKEEPER_CONF_PRESET_FILE_H

#include "conf/arena.h"
#include "conf/preset.h"
#include "conf/source.h"

/* A preset that is read: from where, to where. */
struct preset_reader {
	struct arena *keep; /* for what the preset holds */
	struct faults *faults;
	const struct source *source;
	char owner[96]; /* "preset claude", "preset claude: rule 2" */
	bool no_memory;
};

enum preset_kind {
	KIND_TEXT,
	KIND_WORDS,
	KIND_DURATION,
	KIND_CHOICE,
	KIND_INT,
	KIND_TRUTH,
	KIND_WHEN,
	KIND_GROUPS, /* read by who knows what is in them */
};

/* A key that a group may hold. */
struct preset_item {
	const char *name;
	enum preset_kind kind;
	size_t offset;		    /* of the field in its struct */
	const char *const *choices; /* KIND_CHOICE: by value, NULL-ended */
};

/* The table of one kind of group. */
struct preset_items {
	const struct preset_item *list;
	size_t n;
};

/* Where a setting stands. */
struct place
preset_place(const struct preset_reader *r, const config_setting_t *setting);

/* Adds "OWNER: NAME must be EXPECTED, not ...". */
void preset_must_be(struct preset_reader *r, const config_setting_t *setting,
    const char *name, const char *expected);

/* Reads the keys of a group into the struct base. */
void preset_read_group(struct preset_reader *r, const config_setting_t *group,
    struct preset_items items, void *base);

/* A copy that lives as long as the preset; "" with r->no_memory. */
const char *preset_keep_text(struct preset_reader *r, const char *text);

/*
 * Fills *ret from the parsed file r->source. argv[0] stays the word that it
 * is. Returns 0, or -1 with ENOMEM; where faults were added, *ret is not to be
 * used.
 */
int preset_read(struct preset_reader *r, struct worker_preset *ret);

/* Adds the faults of one rule, and of the preset as a whole, that are no fault
 * of one key alone. line is where the rule begins; whole: each of its keys
 * could be read. */
void preset_check_rule(struct preset_reader *r, const struct preset_rule *rule,
    enum preset_format format, unsigned line, bool whole);
void preset_check(struct preset_reader *r, const struct worker_preset *preset);

#endif
