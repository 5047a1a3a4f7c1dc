import { expect, test } from 'vitest';
import { decodersOf } from '../../../../../src/sources/can/dbc/lookup.ts';
import { parseDbc } from '../../../../../src/sources/can/dbc/parse.ts';

const { messages } = parseDbc(`
BO_ 256 Standard: 8 X
BO_ 2147483904 Extended: 8 X
BO_ 2364540158 EEC1: 8 X
BO_ 2565799422 Addressed: 8 X
BO_ 2566848510 OfEngine: 8 X
BO_ 2566848511 OfBrake: 8 X
BA_ "VFrameFormat" BO_ 2364540158 3;
BA_ "VFrameFormat" BO_ 2565799422 3;
BA_ "VFrameFormat" BO_ 2566848510 3;
BA_ "VFrameFormat" BO_ 2566848511 3;
`).database;
const find = decodersOf(messages);

// biome-ignore format: an identifier, the message
test.each<[id: number, extended: boolean, name: string | undefined]>([
  [0x100,      false, 'Standard'],
  [0x100,      true,  'Extended'],
  [0x101,      false, undefined],
  [0x0cf004fe, true,  'EEC1'],
  [0x0cf004fe, false, undefined],
  // Another priority, another sender.
  [0x18f00400, true,  'EEC1'],
  [0x0cf00427, true,  'EEC1'],
  // Another parameter group, another data page.
  [0x0cf00500, true,  undefined],
  [0x0df00400, true,  undefined],
  // Below a PDU format of 240 the second byte is who it is for.
  [0x18eefffe, true,  'Addressed'],
  [0x18ee2103, true,  'Addressed'],
  // Two messages of one group: they tell senders apart.
  [0x18fefffe, true,  'OfEngine'],
  [0x18feffff, true,  'OfBrake'],
  [0x18feff00, true,  undefined],
])('%i, extended %s: %s', (id, extended, name) => {
  expect(find(id, extended)?.message.name).toBe(name);
});
