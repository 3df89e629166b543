#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/show.h"
#include "base/io.h"

static void
print(const char *text)
{
	/* Nobody looks any more: no reason to end the attempt. */
	(void)io_write_all(STDOUT_FILENO, text, strlen(text));
}

void
show_prompt(const struct runner *r)
{
	if (r->only_test == NULL)
		return;
	print("--- prompt\n");
	print(r->worker.prompt);
	print("\n--- output\n");
}

void
show_more(struct runner *r)
{
	char bytes[65536];
	ssize_t n;

	if (r->only_test == NULL || r->transcript_fd < 0)
		return;
	while (
	    (n = pread(r->transcript_fd, bytes, sizeof(bytes), r->shown)) > 0) {
		r->shown += n;
		if (io_write_all(STDOUT_FILENO, bytes, (size_t)n) < 0)
			return;
	}
}

void
show_diff(struct runner *r)
{
	const struct git_call call = { .output_fd = STDOUT_FILENO };

	if (r->only_test == NULL || r->snapshot[0] == '\0')
		return;
	print("--- diff\n");
	if (git_run(&r->place.git, &call,
		(const char *const[]){ "diff-tree", "-p", "--stat", "-r",
		    r->base, r->snapshot, NULL }) < 0)
		log_line(&r->agent.log, "%s", r->place.git.error);
}
