/*
 * What a word names: a component by any unique beginning, a test, loop,
 * decision or alert by its id in any case. A word that names nothing of the
 * kind that was asked for is looked for among the other kinds, so that the
 * error can say which command was meant.
 */
#ifndef LOOPKEEPER_CLI_IDS_H
#define LOOPKEEPER_CLI_IDS_H

#include "cli/cli.h"
#include "store/attempts.h"
#include "store/store.h"

#define IDS_ALERT_SIZE 64

enum ids_kind { IDS_COMPONENT, IDS_TEST, IDS_LOOP, IDS_DECISION, IDS_ALERT };

/* As cli_component(). */
int ids_component(struct cli *cli, const char *word, char *ret_name);

/* The test that word means. Returns CLI_DONE, or CLI_FAILED after an error on
 * stderr. */
int ids_test(struct cli *cli, struct store *s, const char *word,
    char ret[static ATTEMPT_TEST_SIZE]);

/* The loop that word means: a component that is one, or one that only the
 * database knows. The same. */
int
ids_loop(struct cli *cli, struct store *s, const char *word, char *ret_name);

/* The alert whose id is word, or the only one whose id begins with it, for
 * their ids are long. The same. */
int ids_alert(struct cli *cli, struct store *s, const char *word,
    char ret[static IDS_ALERT_SIZE]);

/*
 * Says on stderr that there is no such thing, which is the nearest, or what
 * else word names. s may be NULL or closed. Returns CLI_FAILED.
 */
int ids_unknown(
    struct cli *cli, struct store *s, enum ids_kind kind, const char *word);

#endif
