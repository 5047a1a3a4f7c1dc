import * as v from 'valibot';
import { expect } from 'vitest';
import { messagesOf, SOCKETS } from '../../../src/http/docs/sockets.ts';

interface Message {
  readonly type: string;
}

/** The types that the documents say a WebSocket sends. */
export function sentBy(name: string): ReadonlyMap<string, v.GenericSchema> {
  const socket = SOCKETS.find((one) => one.name === name);
  if (!socket) throw new Error(`no WebSocket is called ${name}`);
  return messagesOf(socket.outgoing);
}

/** The types that came, each message being what the documents say, without a field more. */
export function checked(name: string, messages: readonly Message[]): Set<string> {
  const shapes = sentBy(name);
  for (const message of messages) {
    const shape = shapes.get(message.type);
    if (!shape) throw new Error(`${name} sent ${message.type}, which no document has`);
    expect(v.parse(shape, message), message.type).toEqual(message);
  }
  return new Set(messages.map(({ type }) => type));
}
