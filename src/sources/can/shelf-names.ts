/** Of a bus: a segment of stream ids, and a directory. */
export const BUS_NAME = /^[a-z0-9_-]{1,23}$/;
/** Of the name of a DBC file, which people read in a list. */
export const NAME_CHARS_MAX = 40;
/** Of a DBC file, without its extension. */
export const FILE_NAME = new RegExp(`^[a-z0-9_-]{1,${NAME_CHARS_MAX}}$`);
export const EXTENSION = '.dbc';
/** Files of one bus, those of the setting included. One bus has one file as a rule, or one an ECU. */
export const FILES_MAX = 16;

/** The name of the DBC file that an entry of a bus's directory is; undefined where it is none. */
export function dbcNameOf(entry: string): string | undefined {
  const name = entry.endsWith(EXTENSION) ? entry.slice(0, -EXTENSION.length) : '';
  return FILE_NAME.test(name) ? name : undefined;
}
