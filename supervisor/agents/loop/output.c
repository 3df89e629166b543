#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agents/loop/output.h"

#define CHUNK_SIZE (64 * 1024)
#define CHUNKS_MAX 4 /* that are read in one call */

int
output_begin(
    struct output *o, int fd, off_t offset, const struct worker_preset *preset)
{
	*o = (struct output){ .usage = { -1, -1 },
		.reset_wall_ms = -1,
		.fd = fd,
		.offset = offset,
		.sum = { -1, -1 },
		.total = { -1, -1 } };
	if (preset == NULL)
		return 0;
	o->preset = preset;
	o->regexes = calloc(preset->nrules + 1, sizeof(*o->regexes));
	if (o->regexes == NULL)
		goto fail;
	for (; o->nregexes < preset->nrules; o->nregexes++) {
		const char *pattern = preset->rules[o->nregexes].pattern;

		if (pattern[0] != '\0' &&
		    regcomp(&o->regexes[o->nregexes], pattern,
			REG_EXTENDED | REG_ICASE) != 0)
			goto fail;
	}
	return 0;
fail:
	output_end(o);
	errno = ENOMEM;
	return -1;
}

void
output_end(struct output *o)
{
	for (size_t i = 0; i < o->nregexes; i++)
		if (o->preset->rules[i].pattern[0] != '\0')
			regfree(&o->regexes[i]);
	free(o->regexes);
	free(o->line);
	*o = (struct output){
		.fd = -1, .usage = { -1, -1 }, .reset_wall_ms = -1
	};
}

/* Adds to the line. One that is too long, or for which there is no memory, is
 * skipped. */
static void
add(struct output *o, const char *bytes, size_t n)
{
	size_t room = o->room > 0 ? o->room : CHUNK_SIZE;
	char *line = o->line;

	if (o->skipping)
		return;
	while (room < o->len + n + 1)
		room *= 2;
	if (o->len + n > OUTPUT_LINE_MAX)
		line = NULL;
	else if (room > o->room)
		line = realloc(o->line, room);
	if (line == NULL) {
		o->skipping = true;
		return;
	}
	if (room > o->room)
		o->room = room;
	o->line = line;
	(void)memcpy(line + o->len, bytes, n);
	o->len += n;
}

static void
end_line(struct output *o, int64_t now_ms)
{
	if (!o->skipping && o->len > 0) {
		if (o->line[o->len - 1] == '\r')
			o->len--;
		o->line[o->len] = '\0';
		output_line(o, o->line, now_ms);
	}
	o->len = 0;
	o->skipping = false;
}

static void
take(struct output *o, const char *bytes, size_t n, int64_t now_ms)
{
	const char *end = bytes + n, *newline;

	while ((newline = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		add(o, bytes, (size_t)(newline - bytes));
		end_line(o, now_ms);
		bytes = newline + 1;
	}
	if (bytes < end)
		add(o, bytes, (size_t)(end - bytes));
}

int
output_read(struct output *o, int64_t now_ms)
{
	char chunk[CHUNK_SIZE];

	if (o->preset == NULL)
		return 0;
	for (int i = 0; i < CHUNKS_MAX; i++) {
		ssize_t n = pread(o->fd, chunk, sizeof(chunk), o->offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		o->offset += n;
		take(o, chunk, (size_t)n, now_ms);
	}
	return 1;
}

/* What is left is to be no more than OUTPUT_LEFT_MAX. It then begins inside of
 * a line. */
static int
skip(struct output *o)
{
	struct stat st;

	if (fstat(o->fd, &st) < 0)
		return -1;
	if (st.st_size - o->offset <= OUTPUT_LEFT_MAX)
		return 0;
	o->offset = st.st_size - OUTPUT_LEFT_MAX;
	o->len = 0;
	o->skipping = true;
	return 0;
}

int
output_finish(struct output *o, int64_t now_ms)
{
	int result;

	if (o->preset != NULL && skip(o) < 0)
		return -1;
	do
		result = output_read(o, now_ms);
	while (result > 0);
	end_line(o, now_ms);
	return result;
}

/* Whether the program tells its end: then one without it is no good one. */
static bool
tells_end(const struct worker_preset *preset)
{
	for (size_t i = 0; i < preset->nrules; i++)
		if (preset->rules[i].ended)
			return true;
	return false;
}

bool
output_tells_answer(const struct worker_preset *preset)
{
	for (size_t i = 0; i < preset->nrules; i++) {
		const struct preset_rule *rule = &preset->rules[i];

		if (rule->verdict == PRESET_GOOD || rule->cost_usd[0] != '\0' ||
		    (rule->tokens != NULL && rule->tokens[0] != NULL))
			return true;
	}
	return false;
}

enum preset_verdict
output_classify(const struct output *o, bool signalled, int code)
{
	const struct worker_preset *preset = o->preset;
	enum preset_verdict verdict = o->verdict;

	if (preset == NULL)
		return PRESET_NOTHING;
	for (size_t i = 0; !signalled && i < preset->nexits; i++)
		if (preset->exits[i].code == code &&
		    preset->exits[i].verdict > verdict)
			verdict = preset->exits[i].verdict;
	if (verdict > PRESET_GOOD)
		return verdict;
	if (signalled)
		return PRESET_NOTHING;
	return code != 0 || (tells_end(preset) && !o->ended) ? PRESET_FAILED
							     : PRESET_NOTHING;
}
