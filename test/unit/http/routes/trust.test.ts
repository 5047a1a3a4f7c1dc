import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';

async function fetched(path: string, authority: Uint8Array) {
  const current = { authority, fingerprint: 'AB:CD' };
  const tls = { certificates: { title: 'vigil-car', current }, port: 8443 };
  const reply = await dispatch(ROUTES, { ...bareGateway(), tls }, request('GET', path), asAdmin);
  const { headers, body } = reply ?? expect.fail('there is no such route');
  return { headers, text: body instanceof Uint8Array ? Buffer.from(body).toString('latin1') : '' };
}

test('as text the authority is what it is in bytes, in lines of 64 characters', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (authority) => {
      const { text } = await fetched('/trust/ca.pem', authority);
      const [head, ...rest] = text.split('\n');
      const lines = rest.slice(0, -2);
      expect([head, ...rest.slice(-2)]).toEqual([
        '-----BEGIN CERTIFICATE-----',
        '-----END CERTIFICATE-----',
        '',
      ]);
      expect(lines.slice(0, -1).filter((line) => line.length !== 64)).toEqual([]);
      expect(lines.at(-1)?.length).toBeLessThanOrEqual(64);
      expect(Buffer.from(lines.join(''), 'base64')).toEqual(Buffer.from(authority));
    }),
    { numRuns: 50 },
  );
});

test('it comes as a file with a name', async () => {
  const { headers } = await fetched('/api/v1/trust/ca.pem', Uint8Array.of(1));
  expect(headers).toMatchObject({
    'content-type': 'application/x-pem-file',
    'content-disposition': 'attachment; filename="vigil-car.pem"',
  });
});

test('where only MQTT is served over TLS there is the file for programs, and no page', async () => {
  const current = { authority: Uint8Array.of(1), fingerprint: 'AB:CD' };
  const gateway = { ...bareGateway(), certificates: { title: 'vigil-car', current } };
  const ask = async (path: string) =>
    await dispatch(ROUTES, gateway, request('GET', path), asAdmin).catch(({ status }) => ({
      status,
    }));
  expect(await ask('/trust/ca.pem')).toMatchObject({ status: 200 });
  expect(await ask('/trust')).toMatchObject({ status: 404 });
});
