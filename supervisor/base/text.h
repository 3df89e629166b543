/* Small questions about text that more than one floor asks. */
#ifndef LOOPKEEPER_BASE_TEXT_H
#define LOOPKEEPER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NAME_MAX 48 /* of a component, NUL not included */

/*
 * Length in bytes of the UTF-8 character that text begins with, 1 to 4;
 * 0 when it begins with a byte sequence that is no UTF-8 (RFC 3629), or
 * with the NUL.
 */
size_t text_utf8_len(const char *text);

/*
 * Makes text, which may come from anybody, fit to show: control characters
 * and bytes that are no UTF-8 become '?'. In place.
 */
void text_clean(char *text);

/* Whether name may name a component: [A-Za-z0-9][A-Za-z0-9._-]{0,47}, not
 * "all". */
bool text_is_name(const char *name);

/*
 * The one of n candidates that is most likely meant by word, or NULL when
 * none is near. The result points into candidates.
 */
const char *
text_nearest(const char *word, const char *const *candidates, size_t n);

/* Reads a decimal number that fills the whole text and lies in [min, max].
 * Returns 0, or -1 with EINVAL or ERANGE. */
int text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret);

#endif
