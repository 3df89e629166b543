/*
 * What a word names: a component, test, loop, decision, alert or checkpoint by
 * its whole name or any unique beginning, in any case. A word that names
 * nothing of the kind that was asked for is looked for among the other kinds,
 * so that the error can say which command was meant.
 */
#ifndef LOOPKEEPER_CLI_IDS_H
#define LOOPKEEPER_CLI_IDS_H

#include "base/text.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "store/store.h"

#define IDS_SIZE NAMES_SIZE

enum ids_kind {
	IDS_COMPONENT,
	IDS_TEST,
	IDS_LOOP,
	IDS_DECISION,
	IDS_ALERT,
	IDS_CHECKPOINT
};

/* All of a kind; s may be NULL or closed, then as far as it goes without.
 * Returns 0, or -1 with errno of store.h. Free with names_free(), on failure
 * too. */
int ids_list(const struct cli *cli, struct store *s, enum ids_kind kind,
    struct names *ret);

/* The component that word means, after cli_locate(); or ends the program after
 * an error that names the nearest or the candidates. */
void ids_component(
    struct cli *cli, const char *word, char ret[static TEXT_NAME_MAX + 1]);

/* One of another kind. Returns CLI_DONE, or CLI_FAILED after such an error. */
int ids_find(const struct cli *cli, struct store *s, enum ids_kind kind,
    const char *word, char ret[static IDS_SIZE]);

#endif
