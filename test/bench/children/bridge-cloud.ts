/** The cloud at the far end: it reads every batch, and acknowledges what has come without a hole. */
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { missingIn, nextOf, type Ranges, withRange } from '../../../src/cloud/ranges.ts';
import { connectMqtt, type MqttArrival } from '../../../src/io/mqtt-client.ts';
import { encodeAck } from '../../../src/wire/ack.ts';
import { decodeBatch } from '../../../src/wire/batch.ts';
import { ackTopic, type Place, parseUpTopic } from '../../../src/wire/topics.ts';
import { orders, tell } from './orders.ts';

const { port } = v.parse(v.object({ port: v.number() }), orders());
/** As long as the fleet side waits between two acknowledgements of a gateway. */
const PACE_MS = 200;

/** What has come from one gateway. */
interface Come {
  readonly place: Place;
  readonly streams: Map<number, Ranges>;
  store: string;
  batches: number;
  records: number;
  duplicates: number;
  isDue: boolean;
}

const gateways = new Map<string, Come>();
const connection = await connectMqtt(
  {
    server: { host: '127.0.0.1', port, tls: false },
    ...{ version: 5, clientId: 'cloud', onMessage: take },
  },
  new AbortController().signal,
);
await connection.subscribe(['v1/+/+/up/#']);
process.on('message', (message) => {
  const { device } = v.parse(v.object({ device: v.string() }), message);
  const { batches = 0, records = 0, duplicates = 0 } = gateways.get(device) ?? {};
  tell({ batches, records, duplicates });
});
tell({ ready: true });
for (;;) {
  await delay(PACE_MS);
  for (const one of gateways.values()) {
    if (!one.isDue) continue;
    one.isDue = false;
    const next = new Map([...one.streams].map(([number, ranges]) => [number, nextOf(ranges)]));
    const payload = encodeAck({ store: one.store, next });
    await connection.publish({ topic: ackTopic(one.place), payload, qos: 1, retain: false });
  }
}

function take({ topic, payload }: MqttArrival): void {
  const place = parseUpTopic(topic);
  if (place === undefined) throw new Error(`no batch: ${topic}`);
  const { head } = decodeBatch(payload);
  const one = gateways.get(head.dev) ?? begin(place);
  const { number, first, n } = head;
  const before = one.streams.get(number) ?? [];
  const whole = { from: first, to: first + n };
  const fresh = missingIn(before, whole).reduce((sum, { from, to }) => sum + to - from, 0);
  one.streams.set(number, withRange(before, whole));
  one.store = head.store;
  one.isDue = true;
  one.batches++;
  one.records += fresh;
  one.duplicates += n - fresh;
}

function begin({ tenant, device }: Place): Come {
  const one: Come = {
    place: { tenant, device },
    ...{ streams: new Map(), store: '' },
    ...{ batches: 0, records: 0, duplicates: 0, isDue: false },
  };
  gateways.set(device, one);
  return one;
}
