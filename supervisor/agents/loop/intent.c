#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "agents/loop/intent.h"
#include "base/text.h"

#define WORD_MAX 1000 /* bytes of an argument that are kept */
#define MILLION	 1e6

/* At most so many bytes that end with a whole character. */
static size_t
cut_length(const char *text, size_t max)
{
	size_t at = 0, len = 0;

	while (text[at] != '\0' && at + len <= max) {
		at += len;
		len = text_utf8_len(text + at);
		if (len == 0)
			len = 1;
	}
	return at;
}

/* NULL without memory. */
static json_t *
word_json(const char *word, const char *prompt)
{
	const char *at = NULL;
	char *text = NULL;
	json_t *json;
	int n;

	/* A short prompt may be part of any word, and does no harm. */
	if (strlen(word) > WORD_MAX && strlen(prompt) > WORD_MAX / 2)
		at = strstr(word, prompt);
	if (at != NULL)
		n = asprintf(&text, "%.*s{prompt}%s", (int)(at - word), word,
		    at + strlen(prompt));
	else
		n = asprintf(&text, "%s", word);
	if (n < 0)
		return NULL;
	if (n > WORD_MAX)
		(void)memcpy(text + cut_length(text, WORD_MAX - 3), "...", 4);
	json = json_string(text);
	if (json == NULL) {
		text_clean(text);
		json = json_string(text);
	}
	free(text);
	return json;
}

static json_t *
words_json(char *const *words, const char *prompt)
{
	json_t *list = json_array();

	for (; *words != NULL; words++)
		(void)json_array_append_new(list, word_json(*words, prompt));
	return list;
}

static bool
is_our_own(const char *variable)
{
	for (char *const *e = environ; *e != NULL; e++)
		if (strcmp(*e, variable) == 0)
			return true;
	return false;
}

static json_t *
names_json(char *const *variables)
{
	json_t *list = json_array();

	for (; *variables != NULL; variables++)
		if (!is_our_own(*variables))
			(void)json_array_append_new(list,
			    json_stringn(*variables, strcspn(*variables, "=")));
	return list;
}

/* 0 is none. */
static json_t *
limit_json(int64_t limit)
{
	return limit > 0 ? json_integer((json_int_t)limit) : json_null();
}

static json_t *
limits_json(
    const struct job_command *command, const struct budget_config *budget)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "startup_ms", limit_json(command->startup_limit_ms), "life_ms",
	    limit_json(command->life_limit_ms), "silence_ms",
	    limit_json(command->silence_limit_ms), "input_ms",
	    limit_json(command->input_limit_ms), "progress_ms",
	    limit_json(command->progress_limit_ms), "time_ms",
	    limit_json(command->time_limit_ms), "output_bytes",
	    limit_json(command->output_max), "usd",
	    budget->attempt_usd >= 0
		? json_real((double)budget->attempt_usd / MILLION)
		: json_null(),
	    "tokens", limit_json(budget->attempt_tokens));
}

char *
intent_text(const struct job_command *command, const char *prompt,
    const struct budget_config *budget)
{
	json_t *json = json_pack("{s:o, s:o, s:o, s:o}", "argv",
	    words_json(command->argv, prompt), "environment",
	    names_json(command->envp), "directory",
	    word_json(command->directory, ""), "limits",
	    limits_json(command, budget));
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}
