/*
 * The names of all components there are, in the order of the configuration;
 * what only the run directory knows (taken out of the file, or the file is
 * faulty) comes after them. And which one a word means.
 */
#ifndef LOOPKEEPER_CLI_NAMES_H
#define LOOPKEEPER_CLI_NAMES_H

#include <stddef.h>

#include "base/text.h"
#include "cli/cli.h"
#include "conf/conf.h"

struct names {
	char (*items)[TEXT_NAME_MAX + 1];
	size_t n;
	size_t size; /* of items */
};

/* conf may be NULL. Returns 0, or -1 with ENOMEM. Free with names_free(). */
int
names_read(struct names *names, const struct cli *cli, const struct conf *conf);
/* Adds a name at the end unless it is there. Returns 0 or -1. */
int names_add(struct names *names, const char *name);
void names_free(struct names *names);

enum names_match { NAMES_NONE, NAMES_ONE, NAMES_SEVERAL };

/*
 * An exact name wins, then one that is equal in another case, then the only
 * one that begins with word. *ret is the index of the match, with
 * NAMES_SEVERAL of the first of them.
 */
enum names_match
names_match(const struct names *names, const char *word, size_t *ret);

/* The name that is most likely meant, or NULL; it points into names. */
const char *names_nearest(const struct names *names, const char *word);

/* Whether name begins with word, in any case. */
bool names_is_prefix(const char *word, const char *name);

/* Reads the configuration in silence; NULL when it is faulty. */
struct conf *names_load_conf(const struct cli *cli);

#endif
