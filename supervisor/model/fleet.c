#include <string.h>

#include "model/fleet.h"

static bool
is_ready(const struct fleet_member *m)
{
	return m->component.state == COMPONENT_RUNNING &&
	    !m->component.fallback;
}

void
fleet_note(struct fleet_member *m, int64_t now_ms)
{
	bool absent =
	    m->component.want == WANT_RUN && !is_ready(m) && !m->component.done;

	if (!absent)
		m->absent_ms = 0;
	else if (m->absent_ms == 0)
		m->absent_ms = now_ms > 0 ? now_ms : 1;
}

/* Whether m is missing now; if not yet, when it will be. */
static bool
is_missing(const struct fleet_member *m, int64_t now_ms, int64_t *next_ms)
{
	int64_t at_ms = m->absent_ms + FLEET_MISSING_MS;

	if (m->absent_ms == 0)
		return false;
	/* One that failed is missing also while it is tried again. */
	if ((m->component.circuit != CIRCUIT_CLOSED &&
		!m->component.fallback) ||
	    at_ms <= now_ms)
		return true;
	if (*next_ms == 0 || at_ms < *next_ms)
		*next_ms = at_ms;
	return false;
}

enum mode
fleet_mode(const struct fleet_member *members, size_t n, int64_t now_ms,
    size_t *ret_reason, int64_t *ret_next_ms)
{
	enum mode worst = MODE_NORMAL;

	*ret_reason = n;
	*ret_next_ms = 0;
	for (size_t i = 0; i < n; i++) {
		enum mode mode = members[i].config->mode_when_down;

		if (mode > worst &&
		    is_missing(&members[i], now_ms, ret_next_ms)) {
			worst = mode;
			*ret_reason = i;
		}
	}
	return worst;
}

static bool
is_of_kind(const struct fleet_member *m, const char *kind)
{
	return strcmp(m->config->kind, kind) == 0 &&
	    m->component.want == WANT_RUN && !m->component.done;
}

static bool
died_of(const struct fleet_member *m, const struct component_death *death,
    int64_t now_ms)
{
	const struct component *c = &m->component;

	return c->ndeaths > 0 && !is_ready(m) &&
	    c->death.cause == death->cause && c->death.code == death->code &&
	    now_ms - c->death.at_ms <= m->config->restart.window_ms;
}

/* How many of the kind died as member i did. */
static size_t
count_like(const struct fleet_member *members, size_t n, size_t i,
    const char *kind, int64_t now_ms)
{
	size_t count = 0;

	for (size_t k = 0; k < n; k++)
		if (is_of_kind(&members[k], kind) &&
		    died_of(&members[k], &members[i].component.death, now_ms))
			count++;
	return count;
}

static bool
try_open(struct fleet_circuit *circuit, const struct fleet_member *members,
    size_t n, int64_t now_ms)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += is_of_kind(&members[i], circuit->kind);
	for (size_t i = 0; i < n && total >= FLEET_KIND_MIN; i++) {
		const struct component_death *death =
		    &members[i].component.death;
		size_t like;

		if (!is_of_kind(&members[i], circuit->kind) ||
		    !died_of(&members[i], death, now_ms))
			continue;
		like = count_like(members, n, i, circuit->kind, now_ms);
		if (like < FLEET_KIND_MIN || like * 2 <= total)
			continue;
		circuit->open = true;
		circuit->cause = death->cause;
		circuit->code = death->code;
		circuit->since_ms = now_ms;
		circuit->canary = i;
		return true;
	}
	return false;
}

bool
fleet_judge(struct fleet_circuit *circuit, const struct fleet_member *members,
    size_t n, int64_t now_ms)
{
	const struct fleet_member *canary;

	if (!circuit->open)
		return try_open(circuit, members, n, now_ms);
	canary = &members[circuit->canary];
	if (circuit->canary < n && is_of_kind(canary, circuit->kind)) {
		if (!is_ready(canary) || canary->component.level > 0 ||
		    canary->component.circuit != CIRCUIT_CLOSED)
			return false;
		circuit->open = false;
		return true;
	}
	/* The canary was stopped or taken away: another one takes its place,
	 * best one that isn't held. */
	circuit->canary = n;
	for (size_t i = n; i-- > 0;)
		if (is_of_kind(&members[i], circuit->kind) &&
		    (circuit->canary == n || !members[i].held ||
			members[circuit->canary].held))
			circuit->canary = i;
	circuit->open = circuit->canary < n;
	return true;
}
