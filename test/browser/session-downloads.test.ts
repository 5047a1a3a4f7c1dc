import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type How, refuse, useDrive } from './recorded.ts';

const { open } = useDrive();

/** The drive, when nothing moves any more what is to be pressed. */
async function openDrive(how: How) {
  const opened = await open('#recordings/1', how);
  await opened.page.locator('.course').first().waitFor();
  await opened.page.locator('.event').first().waitFor();
  return opened;
}

test('where the browser cannot write to a file, it saves what it has received', async () => {
  await using opened = await openDrive({
    prepare: (page) =>
      page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker')),
  });
  const { page, complaints } = opened;
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'CSV', exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('vigil-session-1.csv');
  const text = await readFile(await download.path(), 'utf8');
  expect(text.split('\r\n').at(0)).toBe('time,t_us,stream,value,unit,"text",clock');
  expect(text).toContain('obd.vehicle.speed');
  await page.getByText(/^vigil-session-1.csv has [\d.]+ MB\.$/).waitFor();
  expect(complaints).toEqual([]);
});

test('before a browser takes a large file into its memory it says how large', async () => {
  const quality = { n: 10_000_000, lost: 0, coverage: 1 };
  const stats = { durationS: 18_000, distanceKm: 400, alerts: 0, streams: { 'eeg.raw': quality } };
  await using opened = await openDrive({
    prepare: async (page) => {
      await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
      await page.route('**/api/v1/sessions/1', async (route) => {
        await route.fulfill({ json: { ...(await (await route.fetch()).json()), stats } });
      });
    },
  });
  const { page } = opened;
  await page.getByRole('button', { name: 'CSV', exact: true }).click();
  await page.getByText('CSV is about 700.0 MB, which this browser has to hold').waitFor();
  await page.getByRole('button', { name: 'Do not' }).click();
  expect(await page.getByRole('button', { name: 'Download anyway' }).count()).toBe(0);
  expect(await page.getByText('Downloading').count()).toBe(0);
});

test('where it can, the file is picked and written as it comes', async () => {
  await using opened = await openDrive({
    prepare: (page) =>
      page.addInitScript(() => {
        const kept: Uint8Array[] = [];
        const createWritable = async () =>
          new WritableStream({ write: (piece: Uint8Array) => void kept.push(piece) });
        const showSaveFilePicker = async ({ suggestedName = '' }) => {
          Object.assign(window, { picked: { suggestedName, kept } });
          return { createWritable };
        };
        Object.assign(window, { showSaveFilePicker });
      }),
  });
  const { page } = opened;
  await page.getByRole('button', { name: 'Parquet' }).click();
  await page.getByText(/^vigil-session-1.parquet has/).waitFor();
  const [name, magic] = await page.evaluate(() => {
    const { suggestedName, kept } = Reflect.get(window, 'picked');
    return [suggestedName, String.fromCharCode(...kept[0].slice(0, 4))];
  });
  expect([name, magic]).toEqual(['vigil-session-1.parquet', 'PAR1']);
});

test('a refused download says why, and leaves no file', async () => {
  await using opened = await openDrive({
    prepare: async (page) => {
      await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
      await refuse(page, '**/api/v1/export', 'Too many questions wait.');
    },
  });
  const { page } = opened;
  await page.getByRole('button', { name: 'JSON Lines' }).click();
  await page.getByText('Too many questions wait.').waitFor();
  expect(await page.getByRole('button', { name: 'JSON Lines' }).isEnabled()).toBe(true);
});
