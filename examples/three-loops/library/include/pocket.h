/*
 * pocket: the small things every C program writes again. Nine functions, one
 * file each. What isn't written yet returns -1 with errno ENOSYS.
 */
#ifndef POCKET_H
#define POCKET_H

#include <stddef.h>

/* Strings. */

/* Cuts white space off both ends of text, in place. Returns its length. */
long pocket_trim(char *text);

/*
 * Splits text in place at every separator, trims each part, and stores at
 * most max of them. Returns how many there are (also beyond max), or -1 with
 * EINVAL when max is 0.
 */
long pocket_split(char *text, char separator, char **parts, size_t max);

/*
 * Reads a decimal number that fills the whole text. Returns 0, or -1 with
 * EINVAL (no number) or ERANGE (outside [min, max]).
 */
int pocket_number(const char *text, long min, long max, long *ret);

/* Containers. */

struct pocket_vector {
	void **items;
	size_t count;
	size_t room;
};

/* Appends item. Returns 0, or -1 with ENOMEM. */
int pocket_push(struct pocket_vector *vector, void *item);

struct pocket_pair {
	char *key;
	void *value;
};

/* Pairs in a vector, sorted by key (strcmp order); zeroed is empty. */
struct pocket_map {
	struct pocket_vector pairs; /* of struct pocket_pair * */
};

/* Sets key, which is copied. Returns 1 for a new one, 0 for one replaced, -1
 * with ENOMEM. */
int pocket_put(struct pocket_map *map, const char *key, void *value);

struct pocket_ring {
	int items[8];
	size_t first; /* index of the oldest */
	size_t count;
};

/* Adds item; a full ring gives up its oldest. Returns 0, or 1 when one was
 * given up. */
int pocket_ring_add(struct pocket_ring *ring, int item);

/* For people. */

/* Writes "0 B", "1023 B", "1.0 kB", "1.5 MB" (1024 to the step, up to TB).
 * Returns what snprintf() does. */
int pocket_size(char *buf, size_t size, unsigned long long bytes);

/*
 * Trims text, then wraps it, in place, into lines of at most width characters
 * by turning spaces into newlines; a longer word has a line of its own.
 * Returns the number of lines, 0 for an empty text.
 */
long pocket_wrap(char *text, size_t width);

/* How many letters must be added, dropped or changed to get from a to b.
 * Returns -1 with E2BIG for words over 63 letters. */
long pocket_distance(const char *a, const char *b);

#endif
