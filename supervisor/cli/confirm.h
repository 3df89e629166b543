/* What a command asks before it does something that can't be taken back. */
#ifndef LOOPKEEPER_CLI_CONFIRM_H
#define LOOPKEEPER_CLI_CONFIRM_H

#include <stdbool.h>

/* Asks on the terminal, "QUESTION? [y/N]", unless yes; who can't be asked says
 * --yes. Returns CLI_DONE to go on, or CLI_FAILED or CLI_USAGE after saying
 * that nothing was changed. */
int confirm(const char *question, bool yes);

#endif
