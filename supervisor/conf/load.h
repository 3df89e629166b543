/*
 * One load of a configuration, from the text of its main file to the structs.
 * Only the files of conf/ look in here.
 */
#ifndef LOOPKEEPER_CONF_LOAD_H
#define LOOPKEEPER_CONF_LOAD_H

#include "base/path.h"
#include "conf/arena.h"
#include "conf/conf.h"
#include "conf/draft.h"
#include "conf/program.h"
#include "conf/source.h"
#include "conf/user.h"

/* A component beside its place in the files. */
struct member {
	struct component_config *config;
	struct place at; /* of its name */
	struct value after;
};

struct load {
	struct arena *keep;   /* for what the result holds */
	struct arena scratch; /* for what ends with the load */
	struct faults faults;
	struct sources sources;
	struct draft file; /* the top level of the main file */
	struct draft base; /* what `defaults` and `loops` make of a component */
	struct program_path programs;
	struct preset_entry *presets; /* that were read */
	struct sources preset_files;
	const char *state_directory; /* absolute */
	struct conf *conf;	     /* the result */
	struct member *members;	     /* as many as conf->components so far */
	size_t nmembers;
	char *text; /* CONFIG_SIZE_MAX bytes for the one being built */
	/* The last user looked up: most components have the same. */
	const char *user;
	const char *group;
	struct identity identity;
};

/*
 * conf_load() itself. Where text is not NULL, it is taken for what the main
 * file holds, whatever lies at path.
 */
struct conf *
load_text(const char *path, const char *text, size_t len, FILE *errors);

/*
 * The directory that relative paths of v start from: its file's, or the main
 * file's.
 */
const char *load_directory(const struct load *l, const struct value *v);

/* The program that the command of key id begins with. Returns 0, or -1 after
 * a fault. */
int load_program(struct load *l, const struct draft *d, enum key_id id,
    char ret[static PATH_SIZE]);

/* The program that word means, with the component's own PATH; relative to
 * directory where it has a slash. Returns 0, or -1 after telling why. */
int
load_find_program(const struct load *l, const struct draft *d, const char *word,
    const char *directory, char ret[static PATH_SIZE], struct buf *why);

/* Whether a worker may be the name of a preset: one text that is a name. */
bool load_may_be_preset(const struct value *v);

/*
 * The preset that the worker of key id names; NULL in *ret where it names none.
 * What is wrong with it becomes faults. Returns 0, or -1 with ENOMEM.
 */
int load_preset(struct load *l, const struct draft *d, enum key_id id,
    const struct worker_preset **ret);

/* "no preset "claud": did you mean "claude"? (sought in ...)" */
void load_explain_preset(const struct load *l, const struct value *v,
    const char *word, struct buf *out);

/*
 * A file that comes with loopkeeper: beside the file that sets v, where it was
 * installed, or in the tree that this program was built in. Returns 0 with its
 * path, or -1 with ENOENT.
 */
int load_shipped(const struct load *l, const struct value *v, const char *name,
    char ret[static PATH_SIZE]);

/* Adds the paths where load_shipped() looks. */
void load_add_places(const struct load *l, const struct value *v,
    const char *name, struct buf *out);

/* Stores a number in the field of its struct. */
void load_store(void *base, const struct key *key, int64_t number);

/* A hash over the fields of keys[first..end), which lie in the struct base. */
uint64_t load_hash(const void *base, enum key_id first, enum key_id end);

/* Makes a component of a draft. Returns it, or NULL with ENOMEM; where faults
 * were added it is not to be used. */
struct component_config *load_component(
    struct load *l, const struct draft *d, bool housekeeping, bool is_loop);

/* Fills conf->loops with one more. Returns 0, or -1 with ENOMEM. */
int load_loop(struct load *l, const struct draft *d);

/* What the files set a variable of the environment to, or NULL. */
const char *load_variable(const struct draft *d, const char *name);

/* Appends the environment to text; returns how many variables. */
uint32_t
load_environment(const struct load *l, const struct draft *d, struct buf *text);

/* The kind of a component with that command. Writes TEXT_NAME_MAX + 1. */
void load_kind(const struct draft *d, const char *name, char *ret);

/* Finds names that stand twice, `after` what doesn't exist, and circles. */
int load_check_names(struct load *l);

#endif
