/*
 * Another configuration: a helper reads it, and only the difference is
 * applied. Until it has been read whole and found good, nothing is touched.
 */
#ifndef LOOPKEEPER_DAEMON_RELOAD_H
#define LOOPKEEPER_DAEMON_RELOAD_H

struct daemon;
struct roster;
struct server_client;

/* Starts the helper. The client (NULL: a signal asked) is answered when it is
 * done. Its further words, NAME=stopped or NAME=paused, say what is wanted of
 * components that are new. */
void reload_begin(struct daemon *d, struct server_client *client);

/* Applies what the helper has read, once it is done. */
void reload_step(struct daemon *d);

#endif
