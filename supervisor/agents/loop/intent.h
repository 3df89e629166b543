/* What a worker is started with, as it is kept of each attempt. */
#ifndef LOOPKEEPER_AGENTS_LOOP_INTENT_H
#define LOOPKEEPER_AGENTS_LOOP_INTENT_H

#include "agents/common/job.h"
#include "conf/conf.h"

/*
 * JSON: argv, the names (no values: some are secret) of the variables that
 * aren't our own, directory, limits (null: none). Of long words a part is left
 * out; in place of the prompt, which lies beside the transcript, there is
 * "{prompt}". To be freed; NULL with ENOMEM.
 */
char *intent_text(const struct job_command *command, const char *prompt,
    const struct budget_config *budget);

#endif
