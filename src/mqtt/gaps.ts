/**
 * Gaps between aedes 1.2.0 and what keeps its sessions, closed in front of whatever that is:
 *
 * - of a SUBSCRIBE it keeps all filters when one of them is granted;
 * - it queues for a connected client what that client may not have, then does not send it, and takes the
 *   oldest message that was not sent yet out of the queue in its place: an outgoingClearMessageId
 *   without an identifier.
 */

interface Named {
  readonly id: string;
}

interface Published {
  readonly topic: string;
  readonly retain: boolean;
}

/** What this and the broker ask of a persistence for aedes. */
export interface Kept {
  addSubscriptions(client: Named, filters: readonly { readonly topic: string }[]): Promise<unknown>;
  outgoingEnqueueCombi(
    clients: readonly { readonly clientId: string }[],
    packet: Published,
  ): Promise<unknown>;
  outgoingClearMessageId(
    client: Named,
    packet: { readonly messageId?: number | undefined },
  ): Promise<unknown>;
  /** Puts a message where it is kept before it is acknowledged, where it can. */
  keepAhead?(packet: Published): Promise<unknown>;
  /** Rejects where there is no such packet. */
  incomingGetPacket(client: Named, packet: { readonly messageId?: number }): Promise<unknown>;
}

interface Deciding {
  isGranted(client: string, filter: string): boolean;
  /** True for a client that is away: what it may have is decided when it comes for it. */
  mayReceive(client: string, packet: Published): boolean;
}

/** @param kept a persistence for aedes; the methods are replaced on the object itself */
export function closeGaps(kept: Kept, { isGranted, mayReceive }: Deciding): void {
  const add = kept.addSubscriptions.bind(kept);
  const enqueue = kept.outgoingEnqueueCombi.bind(kept);
  const clear = kept.outgoingClearMessageId.bind(kept);
  kept.addSubscriptions = async (client, filters) => {
    const granted = filters.filter(({ topic }) => isGranted(client.id, topic));
    if (granted.length > 0) await add(client, granted);
  };
  kept.outgoingEnqueueCombi = async (clients, packet) => {
    const welcome = clients.filter(({ clientId }) => mayReceive(clientId, packet));
    if (welcome.length > 0) await enqueue(welcome, packet);
  };
  kept.outgoingClearMessageId = async (client, packet) => {
    return packet.messageId === undefined ? undefined : await clear(client, packet);
  };
}
