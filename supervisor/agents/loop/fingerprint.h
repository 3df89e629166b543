/* What a failure looks like, so that the same one is known again. */
#ifndef LOOPKEEPER_AGENTS_LOOP_FINGERPRINT_H
#define LOOPKEEPER_AGENTS_LOOP_FINGERPRINT_H

#include "store/attempts.h"

/*
 * Of a title and the last lines of an output, without what differs from run to
 * run: numbers, hashes and addresses, times, how wide things are set, and the
 * path of the checkout that it ran in.
 */
void fingerprint_make(char ret[static ATTEMPT_FINGERPRINT_SIZE],
    const char *title, const char *output, const char *checkout);

#endif
