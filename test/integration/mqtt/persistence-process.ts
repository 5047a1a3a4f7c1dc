/**
 * A broker over a real file, to be killed: aedes as it is, without anybody at the door. It tells of its
 * port, of every message that a client has acknowledged when the file knows that, and, once it is told to
 * go on, of what it has retained when the file has it.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { monotonicClock } from '../../../src/io/clock.ts';
import { Persistence } from '../../../src/mqtt/persistence.ts';
import { openDatabase } from '../../../src/store/lmdb.ts';
import { MqttTable } from '../../../src/store/mqtt-records.ts';

const [, , file = ''] = process.argv;
const RETAINED_MS = 20;

const database = openDatabase(file, { fileBytes: 2 ** 24, readOnly: false });
const clock = monotonicClock();
const persistence = new Persistence({
  records: new MqttTable({ reads: database, commit: (changes) => database.commit(changes) }),
  clock,
  ages: { now: () => ({ epoch: 1, t: 0 }), since: () => 0 },
  isSlow: (topic) => topic.startsWith('slow/'),
});
persistence.open();
void persistence.run(new AbortController().signal);

const aedes = await Aedes.createBroker({
  // What aedes calls its type has callbacks; what it calls is what this has.
  persistence: persistence as never,
  authorizePublish: (_client, packet, done) => {
    persistence.keepAhead(packet as Parameters<Persistence['keepAhead']>[0]).then(
      () => done(null),
      (error: Error) => done(error),
    );
  },
});
aedes.on('ack', (packet) => {
  const payload = String(Object(packet).payload ?? '');
  void persistence.durable().then(() => process.send?.({ acked: payload }));
});

const server = createServer(aedes.handle);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.({ port: Object(server.address()).port });
// What is there from before is looked at first.
await once(process, 'message');

for (let n = Number(process.argv[3]); ; n++) {
  await clock.sleep(RETAINED_MS);
  for (const topic of ['state/a', 'slow/a']) {
    const message = {
      topic,
      payload: `${n}`,
      qos: 0,
      retain: true,
      cmd: 'publish',
      dup: false,
    } as const;
    aedes.publish(message, () => {});
  }
  await clock.sleep(0);
  await persistence.durable();
  process.send?.({ retained: n });
}
