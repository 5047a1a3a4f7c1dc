/** Reads what a port sends first: `node read-port.ts URL`. */
import { openerFor, parsePortUrl } from '../../../../src/io/port-url.ts';

const BYTES = 1_000;
const url = parsePortUrl(process.argv[2] ?? '');
if (url.kind === 'sim') throw new Error('a simulator has no port');
await using port = await openerFor(url)(new AbortController().signal);
let bytes = 0;
for await (const chunk of port.input) {
  bytes += chunk.length;
  if (bytes >= BYTES) break;
}
process.stdout.write(`read ${bytes} bytes as ${process.getuid?.()}\n`);
