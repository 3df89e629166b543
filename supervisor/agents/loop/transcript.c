#include <fcntl.h>
#include <string.h>

#include "agents/loop/runner.h"

int
transcript_open(struct runner *r)
{
	const struct attempt_key *key = &r->claim.key;
	char directory[PATH_SIZE], name[ATTEMPT_TEST_SIZE];

	transcript_name(key->test_id, name, sizeof(name));
	/* The fence counts every attempt, also those that were interrupted:
	 * none writes over another one's. */
	if (path_format(directory, "%s/logs/transcripts", r->specs) < 0 ||
	    path_make(directory, 0700) < 0 ||
	    path_format(r->transcript, "%s/%s-%lld.log", directory, name,
		(long long)key->fence) < 0)
		return -1;
	return open(r->transcript,
	    O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

int
transcript_beside(
    const char *transcript, const char *end, char ret[static PATH_SIZE])
{
	size_t len = strlen(transcript);

	if (len > 4 && strcmp(transcript + len - 4, ".log") == 0)
		len -= 4;
	return path_format(ret, "%.*s%s", (int)len, transcript, end);
}
