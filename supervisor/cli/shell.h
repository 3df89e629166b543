/* A command of the configuration, run and waited for with its whole tree. */
#ifndef LOOPKEEPER_CLI_SHELL_H
#define LOOPKEEPER_CLI_SHELL_H

#include <stdbool.h>
#include <stdint.h>

#define SHELL_TAIL_SIZE 2048

struct shell {
	const char *command; /* for sh -c */
	const char *directory;
	char *const *envp;
	int64_t limit_ms;
	bool (*go_on)(void *argument); /* false ends it */
	void *argument;
};

/*
 * Runs it, stdin closed, and ends what is left of it. Afterwards tail is the
 * end of what it wrote, cleaned. Returns its exit status (128 + N after signal
 * N), or -1 with errno; when it was ended ETIMEDOUT or, because of go_on(),
 * ECANCELED. The caller has no other child.
 */
int shell_run(const struct shell *s, char tail[static SHELL_TAIL_SIZE]);

#endif
