import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import type { MountedFile } from '../http/static.ts';

/** Where the dashboard and the packages it loads are in this installation. */
const ROOT = new URL('../../', import.meta.url);
export const WEB_DIRECTORY = fileURLToPath(new URL('web/', ROOT));

const vendorList = v.array(v.object({ url: v.string(), file: v.string() }));

/** Files of packages that the dashboard loads, as `web/vendor.json` lists them. */
export function dashboardFiles(): MountedFile[] {
  const list = JSON.parse(readFileSync(new URL('web/vendor.json', ROOT), 'utf8'));
  return v.parse(vendorList, list).map(({ url, file }) => ({
    url,
    file: fileURLToPath(new URL(`node_modules/${file}`, ROOT)),
  }));
}

/** Of this package, or of one that it uses. */
export function packageVersion(used?: string): string {
  const folder = used === undefined ? '' : `node_modules/${used}/`;
  const text = readFileSync(new URL(`${folder}package.json`, ROOT), 'utf8');
  return v.parse(v.object({ version: v.string() }), JSON.parse(text)).version;
}
