#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "agents/common/transcript.h"
#include "agents/loop/setup.h"
#include "base/texts.h"

int
setup_open_log(struct runner *r)
{
	char path[PATH_SIZE];

	if (path_format(path, "%s/logs", r->specs) < 0 ||
	    path_make(path, 0700) < 0 ||
	    path_format(path, "%s/logs/setup.log", r->specs) < 0)
		return -1;
	r->transcript_fd =
	    open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	return r->transcript_fd < 0 ? -1 : 0;
}

int
setup_start(struct runner *r, enum phase phase)
{
	const struct claim *claim = phase == PHASE_SETUP ? NULL : &r->claim;
	const struct worktree *tree = &r->place.trees[r->setup_tree];
	char **envp = worker_environment(r->config, claim, NULL);
	int result = -1, saved;

	if (envp != NULL) {
		transcript_note(
		    r->transcript_fd, "setup: %s", r->config->setup);
		r->job_offset = lseek(r->transcript_fd, 0, SEEK_END);
		result = job_start_shell(&r->job, r->config->setup,
		    &(struct job_command){ .envp = envp,
			.directory = tree->path,
			.output_fd = r->transcript_fd,
			.time_limit_ms = r->config->setup_limit_ms,
			.silence_limit_ms = r->config->silence_limit_ms,
			.output_max = r->config->max_output });
	}
	saved = errno;
	texts_free(envp);
	errno = saved;
	if (result == 0)
		runner_enter(r, phase);
	return result;
}
