/*
 * What kind a component is, by its command: the program's name, and for an
 * interpreter the script's, so that two Python programs are no kin.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf/load.h"

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

/* "python3.11" is python as well. */
static bool
is_interpreter(const char *program)
{
	static const char *const names[] = { "sh", "bash", "dash", "zsh", "ksh",
		"python", "perl", "ruby", "node", "nodejs", "deno", "bun",
		"php", "lua", "tclsh", "Rscript", "java" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(program, names[i], len) == 0 &&
		    program[len + strspn(program + len, "0123456789.")] == '\0')
			return true;
	}
	return false;
}

/* The script among the arguments, or NULL when the program is one of them. */
static const char *
script(const struct value *command)
{
	size_t n = draft_count(command);

	for (size_t i = 1; i < n; i++) {
		const char *word = draft_word(command, i);

		if (strcmp(word, "-m") == 0 || strcmp(word, "-jar") == 0)
			return i + 1 < n ? draft_word(command, i + 1) : NULL;
		if (strcmp(word, "-c") == 0 || strcmp(word, "-e") == 0)
			return NULL;
		if (word[0] != '-')
			return word;
	}
	return NULL;
}

void
load_kind(const struct draft *d, const char *name, char *ret)
{
	const struct value *command = &d->values[KEY_COMMAND];
	const char *kind = d->values[KEY_KIND].text;

	if (kind[0] == '\0' && draft_count(command) > 0) {
		kind = base_name(draft_word(command, 0));
		if (is_interpreter(kind)) {
			kind = script(command);
			kind = kind != NULL ? base_name(kind) : name;
		}
	}
	(void)snprintf(ret, TEXT_NAME_MAX + 1, "%s", kind);
}
