#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/worker.h"
#include "base/io.h"

#define PROMPT_MAX (1024 * 1024)

/* Words in braces; what they stand for is in struct words, in their order. */
static const char *const word_names[] = { "test", "attempt", "attempts", "spec",
	"spec_file", "verify", "last_result", "loop", "repository", "prompt",
	"prompt_file" };
#define NWORDS (sizeof(word_names) / sizeof(word_names[0]))

struct words {
	const char *values[NWORDS]; /* NULL: not known here */
};

/* The value of the word that *text begins with, which is then passed; NULL
 * when there is none. */
static const char *
take_word(const struct words *words, const char **text)
{
	for (size_t i = 0; i < NWORDS; i++) {
		size_t len = strlen(word_names[i]);

		if ((*text)[0] == '{' && words->values[i] != NULL &&
		    strncmp(*text + 1, word_names[i], len) == 0 &&
		    (*text)[len + 1] == '}') {
			*text += len + 2;
			return words->values[i];
		}
	}
	return NULL;
}

/* text with its words replaced, to be freed; NULL with ENOMEM. */
static char *
expand(const struct words *words, const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	if (out == NULL)
		return NULL;
	while (*text != '\0') {
		const char *value = take_word(words, &text);

		if (value != NULL)
			(void)fputs(value, out);
		else
			(void)fputc(*text++, out);
	}
	if (fclose(out) != 0) {
		free(result);
		return NULL;
	}
	return result;
}

static int
write_text(const char *path, const char *text)
{
	return io_replace_file(AT_FDCWD, path, text, strlen(text), 0);
}

/* The template with its words replaced, or the specification as it is. */
static char *
build_prompt(const struct loop_config *config, const struct words *words,
    const struct claim *claim)
{
	char *template, *result;

	if (config->prompt[0] == '\0')
		return strdup(claim->spec);
	template = malloc(PROMPT_MAX);
	if (template == NULL)
		return NULL;
	result =
	    io_read_file(AT_FDCWD, config->prompt, template, PROMPT_MAX) < 0
	    ? NULL
	    : expand(words, template);
	free(template);
	return result;
}

static char **
build_argv(const struct loop_config *config, const struct words *words,
    const struct claim *claim)
{
	const char *shell[] = { "/bin/sh", "-c", claim->worker, NULL };
	const char *const *from = shell;
	size_t n = 0;
	char **argv;

	if (claim->worker[0] == '\0')
		from = (const char *const *)config->worker;
	while (from[n] != NULL)
		n++;
	argv = calloc(n + 1, sizeof(*argv));
	for (size_t i = 0; argv != NULL && i < n; i++) {
		argv[i] = expand(words, from[i]);
		if (argv[i] == NULL) {
			worker_free_list(argv);
			return NULL;
		}
	}
	return argv;
}

static int
set_paths(struct worker *w, const char *base, const char *prompt)
{
	w->prompt_path[0] = '\0';
	if (prompt[0] != '\0' &&
	    path_format(w->prompt_path, "%s.prompt", base) < 0)
		return -1;
	return path_format(w->spec_path, "%s.spec", base);
}

/* Everything but the environment. what names what an error is about. */
static int
build(struct worker *w, const struct loop_config *config,
    const struct claim *claim, const char *base, char *what)
{
	char attempt[16], attempts[16];
	struct words words = {
		.values = { claim->key.test_id, attempt, attempts, claim->spec,
		    w->spec_path, claim->verify, claim->last_result,
		    config->name, config->repository, NULL, NULL }
	};

	(void)snprintf(attempt, sizeof(attempt), "%d", claim->key.attempt);
	(void)snprintf(attempts, sizeof(attempts), "%d", claim->max_attempts);
	(void)path_format(what, "%s.spec", base);
	if (set_paths(w, base, "") < 0 ||
	    write_text(w->spec_path, claim->spec) < 0)
		return -1;
	(void)path_format(
	    what, "%s", config->prompt[0] != '\0' ? config->prompt : "prompt");
	w->prompt = build_prompt(config, &words, claim);
	if (w->prompt == NULL || set_paths(w, base, w->prompt) < 0)
		return -1;
	(void)path_format(what, "%s.prompt", base);
	if (w->prompt_path[0] != '\0' &&
	    write_text(w->prompt_path, w->prompt) < 0)
		return -1;
	words.values[9] = w->prompt;
	words.values[10] = w->prompt_path;
	w->argv = build_argv(config, &words, claim);
	return w->argv != NULL ? 0 : -1;
}

int
worker_prepare(struct worker *w, const struct loop_config *config,
    const struct claim *claim, const char *base, char *what)
{
	*w = (struct worker){ 0 };
	if (build(w, config, claim, base, what) == 0) {
		w->envp = worker_environment(config, claim, w);
		if (w->envp != NULL)
			return 0;
	}
	worker_free(w);
	return -1;
}

void
worker_free(struct worker *w)
{
	int saved = errno;

	worker_free_list(w->argv);
	worker_free_list(w->envp);
	free(w->prompt);
	*w = (struct worker){ 0 };
	errno = saved;
}

void
worker_free_list(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

/* What is between the keeper and us only, and what would make an agent think
 * that it runs inside another one. */
static bool
is_private(const char *variable)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC",
		"WATCHDOG_PID", "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT",
		"CLAUDE_CODE_SSE_PORT", "GIT_TERMINAL_PROMPT" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(variable, names[i], len) == 0 &&
		    variable[len] == '=')
			return true;
	}
	return false;
}

/* Appends text, which the list then owns; NULL is a lack of memory. */
static int
append(char **list, size_t *n, char *text)
{
	if (text == NULL)
		return -1;
	list[(*n)++] = text;
	return 0;
}

/* Appends NAME=VALUE, or nothing for a NULL value. */
static int
add(char **list, size_t *n, const char *name, const char *value)
{
	char *text = NULL;

	if (value == NULL)
		return 0;
	if (asprintf(&text, "%s=%s", name, value) < 0)
		return -1;
	return append(list, n, text);
}

/* The variables that are only about the claim; w may be NULL. */
static int
add_claim(
    char **list, size_t *n, const struct claim *claim, const struct worker *w)
{
	char attempt[16];

	(void)snprintf(attempt, sizeof(attempt), "%d", claim->key.attempt);
	return add(list, n, "LOOPKEEPER_TEST_ID", claim->key.test_id) < 0 ||
		add(list, n, "LOOPKEEPER_ATTEMPT", attempt) < 0 ||
		add(list, n, "LOOPKEEPER_ATTEMPT_ID", claim->key.id) < 0 ||
		add(list, n, "LOOPKEEPER_VERIFY", claim->verify) < 0 ||
		add(list, n, "LOOPKEEPER_LAST_RESULT", claim->last_result) <
		    0 ||
		add(list, n, "LOOPKEEPER_SPEC_FILE",
		    w != NULL ? w->spec_path : NULL) < 0 ||
		add(list, n, "LOOPKEEPER_PROMPT_FILE",
		    w != NULL ? w->prompt_path : NULL) < 0
	    ? -1
	    : 0;
}

char **
worker_environment(const struct loop_config *config, const struct claim *claim,
    const struct worker *w)
{
	size_t count = 0, n = 0;
	char **list;

	while (environ[count] != NULL)
		count++;
	list = calloc(count + 12, sizeof(*list));
	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (is_private(environ[i]))
			continue;
		if (append(list, &n, strdup(environ[i])) < 0)
			goto fail;
	}
	if (add(list, &n, "LOOPKEEPER_LOOP", config->name) < 0 ||
	    add(list, &n, "LOOPKEEPER_REPOSITORY", config->repository) < 0 ||
	    add(list, &n, "GIT_TERMINAL_PROMPT", "0") < 0 ||
	    (claim != NULL && add_claim(list, &n, claim, w) < 0))
		goto fail;
	return list;
fail:
	worker_free_list(list);
	return NULL;
}
