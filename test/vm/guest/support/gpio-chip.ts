/**
 * A GPIO chip that the kernel cannot tell from a real one: Silicon Labs' CP2112 (its interface is
 * application note AN495), which is a USB device of the class HID, played through /dev/uhid, by which a
 * program is such a device. Debian's kernel has no gpio-sim. Needs the modules uhid and hid-cp2112.
 */
import { readdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** include/uapi/linux/uhid.h of the kernel: types of events, and where in them something is. */
const UHID = {
  ...{ destroy: 1, stop: 3, create2: 11 },
  ...{ getReport: 9, getReportReply: 10, setReport: 13, setReportReply: 14 },
};
const EVENT_BYTES = 4380;
const CREATE2 = { name: 4, rdSize: 260, bus: 262, vendor: 264, product: 268, rdData: 280 };
const REPORT = { id: 4, number: 8, size: 10, data: 12 };
const BUS_USB = 3;

const SILICON_LABS = 0x10c4;
const CP2112 = 0xea90;
/** One report of 63 bytes of the vendor's own meaning; the kernel asks for the others by their number. */
const DESCRIPTOR = Buffer.from('0600ff0901a1018501150026ff007508953f0901b102c0', 'hex');
const REPORT_BYTES = 64;
/** Reports, by AN495; each begins with its number. */
const GET_GPIO = 0x03;
const SET_GPIO = 0x04;
const LINES = 8;

const APPEARS_TRIES = 100;
const APPEARS_TRY_MS = 100;

/** A level that a line was given, when it was another one before. */
export interface LevelChange {
  readonly line: number;
  readonly level: number;
  readonly atMs: number;
}

/** Is unplugged at the end: a program cannot end while it waits for what the kernel asks. */
export interface GpioChip extends AsyncDisposable {
  /** `gpiochip0`, a name below /dev. */
  readonly name: string;
  /** Since the chip is there; all lines are low at first. */
  readonly changes: readonly LevelChange[];
}

/**
 * Plugs a chip in.
 *
 * @throws Error where the kernel has made no GPIO chip of it after some seconds
 */
export async function plugGpioChip(): Promise<GpioChip> {
  const before = chips();
  const device = await open('/dev/uhid', 'r+');
  const create = Buffer.alloc(EVENT_BYTES);
  create.writeUInt32LE(UHID.create2, 0);
  create.write('CP2112', CREATE2.name);
  create.writeUInt16LE(DESCRIPTOR.length, CREATE2.rdSize);
  create.writeUInt16LE(BUS_USB, CREATE2.bus);
  create.writeUInt32LE(SILICON_LABS, CREATE2.vendor);
  create.writeUInt32LE(CP2112, CREATE2.product);
  DESCRIPTOR.copy(create, CREATE2.rdData);
  await device.write(create);
  const changes: LevelChange[] = [];
  const served = serve(device, changes);
  const unplug = async (): Promise<void> => {
    const destroy = Buffer.alloc(EVENT_BYTES);
    destroy.writeUInt32LE(UHID.destroy, 0);
    await device.write(destroy);
    await served;
    await device.close();
  };
  for (let i = 0; i < APPEARS_TRIES; i++) {
    const name = chips().find((chip) => !before.includes(chip));
    if (name !== undefined) return { name, changes, [Symbol.asyncDispose]: unplug };
    await pause(APPEARS_TRY_MS);
  }
  await unplug();
  throw new Error('the kernel made no GPIO chip of the device');
}

function chips(): readonly string[] {
  return readdirSync('/dev').filter((name) => name.startsWith('gpiochip'));
}

async function serve(device: FileHandle, changes: LevelChange[]): Promise<void> {
  /** By their numbers, as they were set. */
  const reports = new Map<number, Buffer>();
  const levels = new Uint8Array(LINES);
  const event = Buffer.alloc(EVENT_BYTES);
  for (;;) {
    await device.read(event, 0, EVENT_BYTES, null);
    const type = event.readUInt32LE(0);
    if (type === UHID.stop) return;
    const number = event.readUInt8(REPORT.number);
    const reply = Buffer.alloc(EVENT_BYTES);
    event.copy(reply, REPORT.id, REPORT.id, REPORT.id + 4);
    if (type === UHID.setReport) {
      const report = Buffer.from(event.subarray(REPORT.data, REPORT.data + REPORT_BYTES));
      reports.set(number, report);
      if (number === SET_GPIO) setLevels(levels, report, changes);
      reply.writeUInt32LE(UHID.setReportReply, 0);
      await device.write(reply);
    } else if (type === UHID.getReport) {
      reply.writeUInt32LE(UHID.getReportReply, 0);
      reply.writeUInt16LE(REPORT_BYTES, REPORT.size);
      reports.get(number)?.copy(reply, REPORT.data);
      reply[REPORT.data] = number;
      if (number === GET_GPIO) {
        reply[REPORT.data + 1] = levels.reduce((bits, level, line) => bits | (level << line), 0);
      }
      await device.write(reply);
    }
  }
}

/** After the number the levels of all lines, then a mask of those that are set. */
function setLevels(levels: Uint8Array, report: Buffer, changes: LevelChange[]): void {
  const [, bits = 0, mask = 0] = report;
  for (let line = 0; line < LINES; line++) {
    const level = (bits >> line) & 1;
    if (((mask >> line) & 1) === 0 || levels[line] === level) continue;
    levels[line] = level;
    changes.push({ line, level, atMs: performance.now() });
  }
}
