/*
 * The command that verifies one case, made from what import's --verify says:
 * {file}, {name}, {class} and {suite} stand for what the report tells, and
 * {pattern} for the name as a regular expression that means only itself, for
 * runners that take one. What is put in is quoted for sh, so that no name can
 * be more than a word; a {word} is refused where that wouldn't hold: in
 * quotes, after a backslash or '$', behind backquotes, arithmetic, comments and
 * here-documents.
 */
#ifndef LOOPKEEPER_CLI_JUNIT_VERIFY_H
#define LOOPKEEPER_CLI_JUNIT_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/junit_report.h"

#define JUNIT_VERIFY_SIZE (64 * 1024) /* of the whole command */

/* Whether text can be filled in. What is wrong goes to error. */
bool junit_verify_check(const char *text, char *error, size_t size);

/* What the text needs and the case lacks, "{file}"; NULL when it lacks
 * nothing. An absolute {file} counts as lacking: it would be verified in a
 * tree that isn't the loop's. */
const char *junit_verify_lacks(const char *text, const struct junit_case *c);

/* Whether the text gives {name} to an option that takes a pattern, and this
 * case's name isn't one that means itself. */
bool junit_verify_misleads(const char *text, const struct junit_case *c);

/* Adds the command for a located case; text has been checked. */
void
junit_verify_fill(struct buf *b, const char *text, const struct junit_case *c);

#endif
