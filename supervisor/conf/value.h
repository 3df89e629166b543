/* Numbers as the configuration writes them: durations, sizes, signals, words
 * of a choice. The texts that a file may hold, and back. */
#ifndef LOOPKEEPER_CONF_VALUE_H
#define LOOPKEEPER_CONF_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/keys.h"

/* The number that text means for this key. Returns 0, or -1 with EINVAL (no
 * such value) or ERANGE; *ret is then untouched. */
int value_parse(const struct key *key, const char *text, int64_t *ret);

/* Whether number lies within the limits of the key. */
bool value_in_range(const struct key *key, int64_t number);

/* What the key takes, after "must be": "a whole number from 0 to 63". */
void value_expected(const struct key *key, struct buf *out);

/* The number as a file would hold it, quotes included where they belong. */
void value_format(const struct key *key, int64_t number, struct buf *out);

/* The choice or signal that is most likely meant by text, or NULL. */
const char *value_nearest(const struct key *key, const char *text);

#endif
