/* How the fleet behaves while a component is missing. */
#ifndef LOOPKEEPER_MODEL_MODE_H
#define LOOPKEEPER_MODEL_MODE_H

#include <stdbool.h>

/* From best to worst: the worst one that holds is the fleet's mode. */
enum mode { MODE_NORMAL, MODE_SLOW, MODE_CONSERVATIVE, MODE_FILE_BASED };
#define MODE_COUNT 4

/* "normal", "slow", "conservative", "file-based". */
const char *mode_name(enum mode mode);

/* Reads a name. Returns false for none of the four; *ret is then untouched. */
bool mode_parse(const char *name, enum mode *ret);

#endif
