/** The AsyncAPI document in the eyes of a linter that is not ours, with the rules that it recommends. */
import { expect, test } from 'vitest';
import { asyncApi } from '../../../src/http/docs/asyncapi.ts';
import { MQTT_TOPICS } from '../../../src/http/docs/mqtt-topics.ts';
import { SOCKETS } from '../../../src/http/docs/sockets.ts';
import { lint } from '../../support/redocly.ts';

test('a linter finds nothing wrong with the document', async () => {
  const { totals, problems } = await lint('asyncapi.json', asyncApi(SOCKETS, MQTT_TOPICS));
  expect(problems).toEqual([]);
  expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
});

test('it does find what is wrong', async () => {
  const { channels, ...document } = asyncApi(SOCKETS, MQTT_TOPICS);
  const broken = { address: 'x', messages: { none: { $ref: '#/components/messages/none' } } };
  const bound = { address: 'y', bindings: { mqtt: { qos: 1 } } };
  const { problems } = await lint('asyncapi.json', {
    ...document,
    channels: { ...channels, broken, bound },
  });
  expect(problems.map(({ ruleId }) => ruleId)).toEqual(
    expect.arrayContaining(['no-unresolved-refs', 'struct']),
  );
});
