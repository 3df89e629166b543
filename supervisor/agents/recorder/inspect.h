/* `loopkeeper-recorder --check`: what is done before the fleet starts. */
#ifndef LOOPKEEPER_AGENTS_RECORDER_INSPECT_H
#define LOOPKEEPER_AGENTS_RECORDER_INSPECT_H

#include <stdbool.h>

#include "conf/conf.h"

/* Exit codes. */
#define INSPECT_DONE	 0 /* looked, and repaired what there was */
#define INSPECT_FAILED	 1 /* the database can't be used: stderr says why */
#define INSPECT_USAGE	 2
#define INSPECT_RELEASED 3 /* released by `pause all`: nothing was done */

/* alive: names with commas between them; conf: NULL where none can be read.
 * Findings go to stdout, one line each. Waits for locks of others as long as
 * they last. */
int inspect_run(const char *state_directory, const char *alive,
    const struct conf *conf, bool dry_run);

#endif
