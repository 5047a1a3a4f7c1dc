import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Bluetooth } from '../../../../src/io/bluetooth/bluetooth.ts';
import { Refusal } from '../../../../src/io/bluetooth/dbus.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { startBusDaemon } from './bus-daemon.ts';
import { FakeBluez, HEADSET } from './fake-bluez.ts';

const ELM = '00:1D:A5:68:98:8B';

/** Bluetooth over a bus of its own, on which a BlueZ may be that has these devices. */
async function start({ switches = ['0'] }: { switches?: readonly string[] } = {}) {
  const daemon = await startBusDaemon();
  const bluez = await FakeBluez.start(daemon.address);
  const clock = new FakeClock();
  const rfkillPath = rfkill(switches);
  const bluetooth = new Bluetooth({ clock, busAddress: daemon.address, rfkillPath });
  onTestFinished(async () => {
    await bluetooth[Symbol.asyncDispose]();
    await bluez[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });
  return { bluetooth, bluez, clock };
}

/** What the kernel tells of switches, each with this state of the soft one. */
function rfkill(switches: readonly string[]): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'vigil-rfkill-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [i, soft] of switches.entries()) {
    const one = path.join(directory, `rfkill${i}`);
    mkdirSync(one);
    for (const [name, text] of Object.entries({ type: 'bluetooth', soft, hard: '0' })) {
      writeFileSync(path.join(one, name), `${text}\n`);
    }
  }
  return directory;
}

test('adapters and devices are told, those first that can be used', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({ address: '11:11:11:11:11:11', rssi: -40, uuids: [] });
  bluez.add({ address: ELM, name: 'OBDII', rssi: -70 });
  bluez.add({ address: HEADSET, name: 'MindWave Mobile', paired: true, trusted: true });
  const { adapters, devices, scanning, blocked } = await bluetooth.state();
  expect({ scanning, blocked }).toEqual({ scanning: false, blocked: false });
  expect(adapters).toMatchObject([{ address: '00:1A:7D:DA:71:13', name: 'car', powered: true }]);
  expect(devices).toMatchObject([
    { address: HEADSET, name: 'MindWave Mobile', paired: true, serial: true, use: 'headset' },
    { address: ELM, name: 'OBDII', paired: false, rssi: -70, serial: true, use: 'obd' },
    { address: '11:11:11:11:11:11', name: '', rssi: -40, serial: undefined, use: 'unknown' },
  ]);
});

test('a name from the air is one line of a bounded length', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({ address: ELM, name: `OBD\n\u202e${'x'.repeat(300)}` });
  const [device] = (await bluetooth.state()).devices;
  expect(device?.name).toMatch(/^OBD x+…$/);
  expect(device?.name.length).toBe(100);
});

test('a scan looks for classic devices until its time is over', async () => {
  const { bluetooth, bluez, clock } = await start();
  await bluetooth.scan(10_000);
  expect(bluez.calls).toEqual(['SetDiscoveryFilter {"Transport":"bredr"}', 'StartDiscovery']);
  expect((await bluetooth.state()).scanning).toBe(true);
  await expect(bluetooth.scan(10_000)).rejects.toMatchObject({ code: 'IN_PROGRESS' });
  await clock.advance(10_000);
  expect((await bluetooth.state()).scanning).toBe(false);
  await bluetooth.scan(10_000);
});

test('a scan switches an adapter on that is off', async () => {
  const { bluetooth, bluez } = await start();
  bluez.addAdapter(false);
  await bluetooth.scan(1_000);
  expect(bluez.calls[0]).toBe('Powered true');
});

test('a scan that cannot begin says why, and the next one is tried anew', async () => {
  const { bluetooth, bluez } = await start();
  bluez.adapterError = 'org.bluez.Error.NotReady';
  await expect(bluetooth.scan(1_000)).rejects.toMatchObject({
    code: 'ADAPTER_OFF',
    message: 'the Bluetooth adapter is switched off',
  });
  bluez.adapterError = undefined;
  await bluetooth.scan(1_000);
});

test('without an adapter, or one that is kept off, there is no scan', async () => {
  const blocked = await start({ switches: ['1', '1'] });
  await expect(blocked.bluetooth.scan(1_000)).rejects.toMatchObject({ code: 'ADAPTER_OFF' });
  expect((await blocked.bluetooth.state()).blocked).toBe(true);
  const half = await start({ switches: ['1', '0'] });
  await half.bluetooth.scan(1_000);
  half.bluez.removeAdapter();
  await expect(half.bluetooth.pair(ELM)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const none = await start();
  none.bluez.removeAdapter();
  await expect(none.bluetooth.scan(1_000)).rejects.toMatchObject({ code: 'NO_ADAPTER' });
});

test('a device that asks nothing is paired and trusted', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({ address: HEADSET, name: 'MindWave Mobile', rssi: -50 });
  expect(await bluetooth.pair(HEADSET)).toMatchObject({ paired: true, trusted: true });
  expect(bluez.calls).toEqual([`Pair ${HEADSET}`, 'Trusted true']);
  expect(bluez.agent).toMatchObject({ capability: 'NoInputNoOutput' });
});

test('one that is paired already is only trusted', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({ address: HEADSET, paired: true });
  await bluetooth.pair(HEADSET);
  expect(bluez.calls).toEqual(['Trusted true']);
});

test('the usual PINs are tried in turn', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({ address: ELM, name: 'OBDII', pin: '1234' });
  expect(await bluetooth.pair(ELM)).toMatchObject({ paired: true });
  expect(bluez.calls).toEqual([
    ...[`Pair ${ELM}`, 'pin 0000'],
    ...[`Pair ${ELM}`, 'pin 1234', 'Trusted true'],
  ]);
});

test('a PIN that is given is the only one, and one that is wrong is told', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({ address: ELM, pin: '6789' });
  await expect(bluetooth.pair(ELM)).rejects.toMatchObject({
    code: 'REFUSED',
    message: `${ELM}: the device refused the PIN; tried: 0000, 1234`,
  });
  await bluetooth.pair(ELM, '6789');
  expect(bluez.calls.filter((call) => call.startsWith('pin'))).toEqual([
    ...['pin 0000', 'pin 1234', 'pin 6789'],
  ]);
});

test('a device that refuses without asking is asked once', async () => {
  const { bluetooth, bluez } = await start();
  const pairs = (): never => {
    throw new Refusal('org.bluez.Error.AuthenticationFailed', 'Authentication Failed');
  };
  bluez.add({ address: ELM, pairs });
  await expect(bluetooth.pair(ELM)).rejects.toMatchObject({ code: 'REFUSED' });
  expect(bluez.calls).toEqual([`Pair ${ELM}`]);
});

test('a confirmation without a number is given, and only for the device that is paired', async () => {
  const { bluetooth, bluez } = await start();
  const answers: unknown[] = [];
  const own = `/org/bluez/hci0/dev_${ELM.replaceAll(':', '_')}`;
  bluez.add({
    address: ELM,
    async pairs(agent) {
      await agent.ask('RequestConfirmation', 'ou', own, 123_456);
      await agent.ask('RequestAuthorization', 'o', own);
      for (const member of ['RequestPinCode', 'RequestAuthorization']) {
        await agent.ask(member, 'o', '/org/bluez/hci0/dev_other').catch((error: unknown) => {
          answers.push(error);
        });
      }
      await agent.ask('Cancel', '');
      await agent.ask('Release', '');
    },
  });
  expect(await bluetooth.pair(ELM)).toMatchObject({ paired: true });
  const refused = {
    dbusName: 'org.bluez.Error.Rejected',
    message: 'another device is being paired',
  };
  expect(answers).toMatchObject([refused, refused]);
});

test('a device that wants keys pressed on it is refused with what it wanted', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({
    address: ELM,
    async pairs(agent) {
      await agent.ask('RequestPasskey', 'o', '/org/bluez/hci0/dev_x').catch(() => {});
      throw new Refusal('org.bluez.Error.AuthenticationRejected', 'Authentication Rejected');
    },
  });
  await expect(bluetooth.pair(ELM)).rejects.toThrow(
    `${ELM}: it asks for a number of six digits, which cannot be given here`,
  );
});

test('one device at a time; a stop breaks it off', async () => {
  const { bluetooth, bluez } = await start();
  const asked = Promise.withResolvers<void>();
  bluez.add({
    address: ELM,
    pairs: () => {
      asked.resolve();
      return new Promise(() => {});
    },
  });
  const pairing = bluetooth.pair(ELM);
  const stopped = expect(pairing).rejects.toMatchObject({
    message: `${ELM}: the gateway stops`,
  });
  await asked.promise;
  await expect(bluetooth.pair(HEADSET)).rejects.toMatchObject({ code: 'IN_PROGRESS' });
  await bluetooth[Symbol.asyncDispose]();
  await stopped;
  expect(bluez.calls).toContain('CancelPairing');
});

test('forgetting takes the device away; one that was never seen is told so', async () => {
  const { bluetooth, bluez } = await start();
  bluez.add({ address: HEADSET, paired: true });
  await bluetooth.forget(HEADSET);
  expect(bluez.calls).toEqual(['RemoveDevice "/org/bluez/hci0/dev_00_81_F9_08_A1_72"']);
  await expect(bluetooth.forget(ELM)).rejects.toThrow(`${ELM}: no such device was seen`);
  await expect(bluetooth.pair(ELM)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('without a bus, and without BlueZ on it, there is no Bluetooth', async () => {
  const clock = new FakeClock();
  const nowhere = new Bluetooth({ clock, busAddress: 'unix:path=/nonexistent/bus' });
  await expect(nowhere.state()).rejects.toMatchObject({ code: 'NO_BLUETOOTH' });
  await expect(nowhere.scan(1_000)).rejects.toThrow(
    'there is no Bluetooth here: the message bus at unix:path=/nonexistent/bus does not answer',
  );
  const daemon = await startBusDaemon();
  onTestFinished(() => daemon[Symbol.asyncDispose]());
  const empty = new Bluetooth({ clock, busAddress: daemon.address });
  await expect(empty.state()).rejects.toThrow('the Bluetooth service does not run');
});
