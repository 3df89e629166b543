/* What to say of a key that nobody knows: what was probably meant, or where
 * it belongs. */
#ifndef LOOPKEEPER_CONF_UNKNOWN_H
#define LOOPKEEPER_CONF_UNKNOWN_H

#include "conf/draft.h"

/* Adds the fault for a setting of a group that r reads under prefix. */
void unknown_key(const struct reader *r, const config_setting_t *setting,
    const char *prefix);

#endif
