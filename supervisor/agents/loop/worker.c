#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/worker.h"
#include "base/io.h"
#include "base/texts.h"
#include "conf/loop_environment.h"
#include "system/marked.h"

#define PROMPT_MAX (1024 * 1024)
#define MILLION	   1000000
/* Linux takes no longer argument (MAX_ARG_STRLEN, with pages of 4 kB). */
#define ARGUMENT_MAX (128 * 1024 - 1)

/* What stands in braces in a template. */
struct word {
	const char *name;
	const char *value; /* NULL: not known here */
};

/* The first two are known last. */
enum { WORD_PROMPT, WORD_PROMPT_FILE, WORD_BUDGET_USD, WORDS = 17 };

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

/* text with its words replaced, those that are empty by `none`; to be freed.
 * NULL with ENOMEM. */
static char *
expand(const struct word *words, const char *text, const char *none)
{
	char *result = NULL;
	size_t size;
	FILE *out = open_memstream(&result, &size);

	if (out == NULL)
		return NULL;
	while (*text != '\0') {
		const char *value = take_word(words, &text);

		if (value != NULL)
			(void)fputs(value[0] != '\0' ? value : none, out);
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
build_prompt(const char *path, const struct word *words, const char *spec)
{
	char *template, *result;

	if (path[0] == '\0')
		return strdup(spec);
	template = malloc(PROMPT_MAX);
	if (template == NULL)
		return NULL;
	result = io_read_file(AT_FDCWD, path, template, PROMPT_MAX) < 0
	    ? NULL
	    : expand(words, template, "none");
	free(template);
	return result;
}

/* The command as it stands in the configuration: a preset's, a loop's. */
static char *const *
command_of(const struct worker *w, const struct loop_config *config,
    const struct task *task)
{
	if (w->preset != NULL && task->session_id[0] != '\0' &&
	    w->preset->resume[0] != NULL)
		return w->preset->resume;
	return task->is_second ? config->second_worker : config->worker;
}

/* What tells a budget is left out where there is none. A test's own command is
 * one word, and stays. */
static bool
is_left_out(
    const struct word *words, const char *word, const struct claim *claim)
{
	return claim->worker[0] == '\0' &&
	    words[WORD_BUDGET_USD].value[0] == '\0' &&
	    strstr(word, "{budget_usd}") != NULL;
}

/* One argument. Where it is too long for one, its prompt is only named: some
 * programs may read no file outside their directory, and some no input. */
static char *
expand_argument(struct worker *w, const struct word *words, const char *text)
{
	char *result = expand(words, text, "");
	char named[PATH_SIZE + 128];
	struct word shorter[WORDS];

	if (result == NULL || strlen(result) <= ARGUMENT_MAX ||
	    strstr(text, "{prompt}") == NULL)
		return result;
	free(result);
	(void)snprintf(named, sizeof(named),
	    "Read the task and do it. It is too long to be given here: it is "
	    "on standard input, and in the file %s",
	    w->prompt_path);
	(void)memcpy(shorter, words, sizeof(shorter));
	shorter[WORD_PROMPT].value = named;
	w->stdin_path = w->prompt_path;
	return expand(shorter, text, "");
}

static char **
build_argv(struct worker *w, const struct loop_config *config,
    const struct word *words, const struct task *task)
{
	char shell_path[] = "/bin/sh", option[] = "-c";
	char *const shell[] = { shell_path, option, task->claim->worker, NULL };
	char *const *from = task->claim->worker[0] != '\0'
	    ? shell
	    : command_of(w, config, task);
	char *const *options = task->is_second ? config->second_worker_options
					       : config->worker_options;
	struct texts argv = { 0 };

	for (; *from != NULL; from++) {
		if (is_left_out(words, *from, task->claim))
			continue;
		if (strcmp(*from, "{options}") != 0) {
			(void)texts_own(
			    &argv, expand_argument(w, words, *from));
			continue;
		}
		for (char *const *o = options; *o != NULL; o++)
			(void)texts_add(&argv, *o);
	}
	return texts_take(&argv);
}

static int
set_paths(struct worker *w, const char *base, const char *prompt)
{
	w->prompt_path[0] = '\0';
	w->stdin_path = NULL;
	if (prompt[0] != '\0' &&
	    path_format(w->prompt_path, "%s.prompt", base) < 0)
		return -1;
	if (prompt[0] != '\0' &&
	    (w->preset == NULL || w->preset->prompt == PRESET_STDIN))
		w->stdin_path = w->prompt_path;
	return path_format(w->spec_path, "%s.spec", base);
}

/* Writes base.spec and, by that template, base.prompt, and fills in what words
 * can only be known then. what names what an error is about. */
static int
write_files(struct worker *w, const char *template, struct word *words,
    const char *spec, const char *base, char *what)
{
	(void)path_format(what, "%s.spec", base);
	if (set_paths(w, base, "") < 0 || write_text(w->spec_path, spec) < 0)
		return -1;
	(void)path_format(
	    what, "%s", template[0] != '\0' ? template : "prompt");
	w->prompt = build_prompt(template, words, spec);
	if (w->prompt == NULL || set_paths(w, base, w->prompt) < 0)
		return -1;
	(void)path_format(what, "%s.prompt", base);
	if (w->prompt_path[0] != '\0' &&
	    write_text(w->prompt_path, w->prompt) < 0)
		return -1;
	words[WORD_PROMPT].value = w->prompt;
	words[WORD_PROMPT_FILE].value = w->prompt_path;
	return 0;
}

/* Everything but the environment. */
static int
build(struct worker *w, const struct loop_config *config,
    const struct task *task, const char *base, char *what)
{
	const struct claim *claim = task->claim;
	const char *spec = claim->spec[0] != '\0' ? claim->spec : task->failure;
	char attempt[16], attempts[16], budget[32] = "";
	struct word words[WORDS] = {
		[WORD_PROMPT] = { "prompt", NULL },
		[WORD_PROMPT_FILE] = { "prompt_file", NULL },
		[WORD_BUDGET_USD] = { "budget_usd", budget },
		{ "test", claim->key.test_id },
		{ "attempt", attempt },
		{ "attempts", attempts },
		{ "spec", spec },
		{ "spec_file", w->spec_path },
		{ "failure", task->failure },
		{ "files", task->files },
		{ "locks", task->locks },
		{ "verify", claim->verify },
		{ "last_result", claim->last_result },
		{ "loop", config->name },
		{ "repository", config->repository },
		{ "before", task->before },
		{ "session", task->session_id },
	};

	if (claim->worker[0] == '\0')
		w->preset =
		    task->is_second ? config->second_preset : config->preset;
	(void)snprintf(attempt, sizeof(attempt), "%d", claim->key.attempt);
	(void)snprintf(attempts, sizeof(attempts), "%d", claim->max_attempts);
	if (task->budget_usd >= 0)
		(void)snprintf(budget, sizeof(budget), "%lld.%06lld",
		    (long long)(task->budget_usd / MILLION),
		    (long long)(task->budget_usd % MILLION));
	if (write_files(w,
		task->is_second ? config->second_prompt : config->prompt, words,
		spec, base, what) < 0)
		return -1;
	w->argv = build_argv(w, config, words, task);
	return w->argv != NULL ? 0 : -1;
}

int
worker_prepare(struct worker *w, const struct loop_config *config,
    const struct task *task, const char *base, char *what)
{
	*w = (struct worker){ .hooks = task->hooks };
	if (build(w, config, task, base, what) == 0) {
		w->envp = worker_environment(config, task->claim, w);
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

	texts_free(w->argv);
	texts_free(w->envp);
	free(w->prompt);
	*w = (struct worker){ 0 };
	errno = saved;
}

/* The variables that are only about the claim; w may be NULL. */
static void
add_claim(struct texts *l, const struct claim *claim, const struct worker *w)
{
	texts_addf(l, "LOOPKEEPER_TEST_ID=%s", claim->key.test_id);
	texts_addf(l, "LOOPKEEPER_ATTEMPT=%d", claim->key.attempt);
	texts_addf(l, MARKED_ATTEMPT "=%s", claim->key.id);
	texts_addf(l, "LOOPKEEPER_VERIFY=%s", claim->verify);
	texts_addf(l, "LOOPKEEPER_LAST_RESULT=%s", claim->last_result);
	if (w == NULL)
		return;
	texts_addf(l, "LOOPKEEPER_SPEC_FILE=%s", w->spec_path);
	texts_addf(l, "LOOPKEEPER_PROMPT_FILE=%s", w->prompt_path);
}

char **
worker_environment(const struct loop_config *config, const struct claim *claim,
    const struct worker *w)
{
	struct texts l = { 0 };
	const struct hooks *hooks = w != NULL ? w->hooks : NULL;

	loop_environment_add(&l,
	    &(struct loop_environment){ .config = config,
		.index = config->index,
		.directory = config->directory,
		.has_hooks = hooks != NULL });
	if (hooks != NULL)
		hooks_add_variables(hooks, &l);
	if (claim != NULL)
		add_claim(&l, claim, w);
	return texts_take(&l);
}
