/* The keeper's socket: the daemon, the logger. */
#ifndef LOOPKEEPER_KEEPER_PEERS_H
#define LOOPKEEPER_KEEPER_PEERS_H

#include "keeper/self.h"

/* Takes fd over as a peer. Returns it, or NULL (fd is closed then) when there
 * is no room. */
struct keeper_peer *peers_add(struct keeper *k, int fd);

/* Somebody waits at the listening socket. */
void peers_accept(struct keeper *k);

/* p has something to say, or has hung up, or has room again. */
void peers_serve(struct keeper *k, struct keeper_peer *p, uint32_t events);

/* Tells the daemon, if there is one, what k->record says. */
void peers_tell(struct keeper *k);

/* The component's tree is empty: the logger ends partial lines. */
void peers_ended(struct keeper *k);

/* Whether a logger is connected. */
bool peers_have_logger(const struct keeper *k);

#endif
