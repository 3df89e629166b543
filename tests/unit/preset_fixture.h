/*
 * What the tests of presets stand on: the shipped ones, with stand-ins
 * (tests/helpers/stand-in) for the programs that they are for; and a transcript
 * that their output goes into. Whatever goes wrong in here fails the test.
 */
#ifndef LOOPKEEPER_TESTS_PRESET_FIXTURE_H
#define LOOPKEEPER_TESTS_PRESET_FIXTURE_H

#include "conf/load.h"
#include "scratch.h"

extern struct scratch here;

/* For cmocka, of all tests of a file. */
int preset_setup(void **state);
int preset_teardown(void **state);

/* What cmocka would hand to each test stands here. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* Puts a link to a file of the source tree there. */
void link_to(const char *target, const char *name);

/* The configuration of one loop with this worker, as it stands in the file; to
 * be freed by conf_free(). */
struct conf *load_worker(const char *worker);
/* The same with that preset. */
struct conf *load_preset_named(const char *name);

/* Opens the transcript, which is made where it isn't. */
int open_transcript(int flags);

#endif
