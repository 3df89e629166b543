/* Tests whose ids are longer than we can keep (ATTEMPT_TEST_FITS), as those of
 * another program may be: nothing is ever done for them. */
#ifndef LOOPKEEPER_STORE_MISFITS_H
#define LOOPKEEPER_STORE_MISFITS_H

#include "store/store.h"

/* Raises one alert as long as there are any that aren't skipped. It reads an
 * index as long as all queues. Returns 0, or -1 with errno of store.h. */
int misfits_tell(struct store *s, const char *by);

#endif
