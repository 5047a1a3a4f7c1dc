import { gzipSync } from 'node:zlib';
import type { Reply, RequestHead } from './message.ts';

/** Less is not worth it: it would go in one packet anyway. */
const BYTES_MIN = 1_024;
/** More would hold up the event loop for over a millisecond. It goes as it is, and has its pages. */
const BYTES_MAX = 65_536;
/** Of zlib: the health is 2.8 KB, 1.17 with it and 1.12 with the slowest. */
const LEVEL = 3;

/** A reply of text as the client can read it, in fewer bytes where that is worth while. */
export function compressed(request: RequestHead, reply: Reply): Reply {
  const { body, headers } = reply;
  if (typeof body !== 'string' || body.length < BYTES_MIN || body.length > BYTES_MAX) return reply;
  // RFC 9110 clause 8.8.3: a strong tag is of these bytes and of no others.
  if (headers['etag']?.startsWith('"')) return reply;
  const varied = { ...headers, vary: 'accept-encoding' };
  if (!acceptsGzip(request)) return { ...reply, headers: varied };
  return {
    ...reply,
    headers: { ...varied, 'content-encoding': 'gzip' },
    body: gzipSync(body, { level: LEVEL }),
  };
}

/** RFC 9110 clause 12.5.3; a weight of 0 is a refusal. */
export function acceptsGzip({ headers }: Pick<RequestHead, 'headers'>): boolean {
  return (headers.get('accept-encoding') ?? '').split(',').some((coding) => {
    const [name = '', ...parameters] = coding.split(';').map((part) => part.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return name === 'gzip' && !refused;
  });
}
