import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { asyncApi } from '../../../../src/http/docs/asyncapi.ts';
import { messagesOf, SOCKETS } from '../../../../src/http/docs/sockets.ts';

const document = asyncApi(SOCKETS);

test('every WebSocket of the server is in the document', () => {
  const server = readFileSync(new URL('../../../../src/http/server.ts', import.meta.url), 'utf8');
  const served = [...server.matchAll(/\$\{prefix\}(\/ws\/[a-z]+)/g)].map(([, path]) => path);
  const told = SOCKETS.map(({ path }) => path.replace(/\/:.*/, ''));
  expect(served.length).toBeGreaterThan(0);
  expect(told.toSorted()).toEqual([...new Set(served)].toSorted());
  expect(Object.keys(document.channels)).toEqual(SOCKETS.map(({ name }) => name));
});

test('references lead somewhere', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];
  expect(refs.length).toBeGreaterThan(40);
  for (const [, path = ''] of refs) {
    const found = path
      .split('/')
      .reduce<unknown>((at, key) => Reflect.get(Object(at), key), document);
    expect(found, path).toBeDefined();
  }
});

test('each message has words of its own, and an example that it takes', () => {
  for (const { name, incoming, outgoing } of SOCKETS) {
    for (const [way, lists] of [
      ['in', incoming],
      ['out', outgoing],
    ] as const) {
      for (const [type, schema] of messagesOf(lists)) {
        const message = document.components.messages[`${name}.${way}.${type}`];
        expect(message?.summary, type).toMatch(/ .*\.$/);
        const { issues = [] } = v.safeParse(schema, message?.examples[0]?.payload);
        expect(
          issues.map(({ message: text }) => text),
          type,
        ).toEqual([]);
      }
    }
  }
});

test('what the gateway gets it receives, and what it tells it sends', () => {
  const of = (operation: string) =>
    document.operations[operation]?.messages.map(({ $ref }) => $ref.split('.').at(-1));
  expect(of('telemetry.receive')).toEqual(
    expect.arrayContaining(['auth', 'subscribe', 'unsubscribe', 'ping', 'time']),
  );
  expect(of('telemetry.send')).toEqual(
    expect.arrayContaining(['hello', 'samples', 'wave', 'gap', 'status', 'export']),
  );
  expect(document.operations['telemetry.send']?.action).toBe('send');
});
