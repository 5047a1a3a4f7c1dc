import type { Message } from '../../src/sources/can/dbc/database.ts';
import { decoderFor } from '../../src/sources/can/dbc/decode.ts';
import { parseDbc } from '../../src/sources/can/dbc/parse.ts';

/** The head that some readers want before the first message. */
export const HEAD = 'VERSION ""\n\nNS_ :\n\nBS_:\n\nBU_: A\n\n';

/** The only message of a file that nothing is wrong with. */
export function messageOf(text: string): Message {
  const { database, warnings } = parseDbc(text);
  const [message, other] = database.messages;
  if (!message || other || warnings.length > 0) throw new Error(JSON.stringify(warnings));
  return message;
}

/** Values by the names of signals. */
export function valuesOf(message: Message, data: Uint8Array): Record<string, number> {
  const values: Record<string, number> = {};
  decoderFor(message).decode(data, (signal, value) => {
    values[message.signals[signal]?.name ?? ''] = value;
  });
  return values;
}
