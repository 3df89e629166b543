#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/worker.h"
#include "base/io.h"

#define PROMPT_MAX (1024 * 1024)

/* What stands in braces in a template. */
struct word {
	const char *name;
	const char *value; /* NULL: not known here */
};

/* The first two are known last. */
enum { WORD_PROMPT, WORD_PROMPT_FILE, WORDS = 11 };

/* The value of the word that *text begins with, which is then passed; NULL
 * when there is none. */
static const char *
take_word(const struct word *words, const char **text)
{
	for (size_t i = 0; i < WORDS; i++) {
		size_t len = strlen(words[i].name);

		if ((*text)[0] == '{' && words[i].value != NULL &&
		    strncmp(*text + 1, words[i].name, len) == 0 &&
		    (*text)[len + 1] == '}') {
			*text += len + 2;
			return words[i].value;
		}
	}
	return NULL;
}

/* text with its words replaced, to be freed; NULL with ENOMEM. */
static char *
expand(const struct word *words, const char *text)
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
build_prompt(const struct loop_config *config, const struct word *words,
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
build_argv(const struct loop_config *config, const struct word *words,
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
	struct word words[WORDS] = {
		[WORD_PROMPT] = { "prompt", NULL },
		[WORD_PROMPT_FILE] = { "prompt_file", NULL },
		{ "test", claim->key.test_id },
		{ "attempt", attempt },
		{ "attempts", attempts },
		{ "spec", claim->spec },
		{ "spec_file", w->spec_path },
		{ "verify", claim->verify },
		{ "last_result", claim->last_result },
		{ "loop", config->name },
		{ "repository", config->repository },
	};

	(void)snprintf(attempt, sizeof(attempt), "%d", claim->key.attempt);
	(void)snprintf(attempts, sizeof(attempts), "%d", claim->max_attempts);
	(void)path_format(what, "%s.spec", base);
	if (set_paths(w, base, "") < 0 ||
	    write_text(w->spec_path, claim->spec) < 0)
		return -1;
	(void)path_format(
	    what, "%s", config->prompt[0] != '\0' ? config->prompt : "prompt");
	w->prompt = build_prompt(config, words, claim);
	if (w->prompt == NULL || set_paths(w, base, w->prompt) < 0)
		return -1;
	(void)path_format(what, "%s.prompt", base);
	if (w->prompt_path[0] != '\0' &&
	    write_text(w->prompt_path, w->prompt) < 0)
		return -1;
	words[WORD_PROMPT].value = w->prompt;
	words[WORD_PROMPT_FILE].value = w->prompt_path;
	w->argv = build_argv(config, words, claim);
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

struct list {
	char **texts; /* owned, NULL-ended */
	size_t n;
	bool failed; /* out of memory */
};

/* Appends NAME=VALUE. */
static void __attribute__((format(printf, 2, 3)))
add(struct list *l, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&l->texts[l->n], format, ap) < 0) {
		l->texts[l->n] = NULL;
		l->failed = true;
	} else {
		l->n++;
	}
	va_end(ap);
}

/* The variables that are only about the claim; w may be NULL. */
static void
add_claim(struct list *l, const struct claim *claim, const struct worker *w)
{
	add(l, "LOOPKEEPER_TEST_ID=%s", claim->key.test_id);
	add(l, "LOOPKEEPER_ATTEMPT=%d", claim->key.attempt);
	add(l, "LOOPKEEPER_ATTEMPT_ID=%s", claim->key.id);
	add(l, "LOOPKEEPER_VERIFY=%s", claim->verify);
	add(l, "LOOPKEEPER_LAST_RESULT=%s", claim->last_result);
	if (w == NULL)
		return;
	add(l, "LOOPKEEPER_SPEC_FILE=%s", w->spec_path);
	add(l, "LOOPKEEPER_PROMPT_FILE=%s", w->prompt_path);
}

char **
worker_environment(const struct loop_config *config, const struct claim *claim,
    const struct worker *w)
{
	struct list l = { 0 };
	size_t count = 0;

	while (environ[count] != NULL)
		count++;
	l.texts = calloc(count + 12, sizeof(*l.texts));
	if (l.texts == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!is_private(environ[i]))
			add(&l, "%s", environ[i]);
	add(&l, "LOOPKEEPER_LOOP=%s", config->name);
	add(&l, "LOOPKEEPER_REPOSITORY=%s", config->repository);
	add(&l, "GIT_TERMINAL_PROMPT=0");
	if (claim != NULL)
		add_claim(&l, claim, w);
	if (!l.failed)
		return l.texts;
	worker_free_list(l.texts);
	errno = ENOMEM;
	return NULL;
}
