/* One setting of a file: whether it is what its key wants, and its value. */
#ifndef LOOPKEEPER_CONF_SETTING_H
#define LOOPKEEPER_CONF_SETTING_H

#include <stdbool.h>

#include "base/buf.h"
#include "conf/draft.h"

/*
 * Reads the setting as the value of key id. When it is something else, a
 * fault is added, and of *ret only the place is set, if it had none.
 */
void setting_read(const struct reader *r, enum key_id id,
    const config_setting_t *setting, struct value *ret);

/* The value as the file has it, for a message. */
void setting_show(const config_setting_t *setting, struct buf *out);

/* Whether it is a list, in [ ] or ( ). */
bool setting_is_list(const config_setting_t *setting);

/* What stands between the owner and the rest of a message: ": ", or nothing
 * at the top level, which has no name. */
const char *setting_colon(const char *owner);

#endif
