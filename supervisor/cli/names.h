/*
 * Lists of names, and which one a word means. And the names of all components
 * there are, in the order of the configuration; what only the run directory
 * knows (taken out of the file, or the file is faulty) comes after them.
 */
#ifndef LOOPKEEPER_CLI_NAMES_H
#define LOOPKEEPER_CLI_NAMES_H

#include <stddef.h>

#include "cli/cli.h"
#include "conf/conf.h"

#define NAMES_SIZE 128 /* of the longest: a test's id */

struct names {
	char (*items)[NAMES_SIZE];
	size_t n;
};

/* The components'. conf may be NULL. Returns 0, or -1 with ENOMEM. Free with
 * names_free(), on failure too. */
int names_read(
    struct names *names, const char *state_directory, const struct conf *conf);
/* Adds a name at the end; or only if it isn't there. Returns 0 or -1. */
int names_add(struct names *names, const char *name);
int names_add_new(struct names *names, const char *name);
void names_free(struct names *names);

enum names_match { NAMES_NONE, NAMES_ONE, NAMES_SEVERAL };

/*
 * An exact name wins, then one that is equal in another case, then the only
 * one that begins with word. With NAMES_ONE *ret is it, in names.
 */
enum names_match
names_match(const struct names *names, const char *word, const char **ret);

/* Writes those that begin with word: "a, b and 3 more". */
void
names_list(const struct names *names, const char *word, char *buf, size_t size);

/* The name that is most likely meant, or NULL; it points into names. */
const char *names_nearest(const struct names *names, const char *word);

/* Reads the configuration in silence; NULL when it is faulty. */
struct conf *names_load_conf(const struct cli *cli);

#endif
