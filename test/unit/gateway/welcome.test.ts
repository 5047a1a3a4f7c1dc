import { expect, test } from 'vitest';
import { type Welcome, welcomeLines } from '../../../src/gateway/welcome.ts';

const CODE = 'K3HZ-9PXR-7KS3-X54K';
const lines = (of: Partial<Welcome>) =>
  welcomeLines({
    ...{ version: '1.2.3', url: 'http://127.0.0.1:8080', secureUrl: undefined },
    ...{ addresses: ['10.42.0.1'], claimCode: undefined },
    ...of,
  });

test('one that is claimed says where it is', () => {
  expect(lines({})).toEqual(['Vigil 1.2.3 at http://127.0.0.1:8080/']);
  expect(lines({ secureUrl: 'https://10.42.0.1' })).toEqual([
    'Vigil 1.2.3 at http://127.0.0.1:8080/ and https://10.42.0.1/',
  ]);
});

test('one that listens everywhere says at which addresses', () => {
  const url = 'http://0.0.0.0:8080';
  const here = 'Vigil 1.2.3 at http://127.0.0.1:8080/';
  const addresses = ['10.42.0.1', '192.168.7.2'];
  const secureUrl = 'https://[::]:8443';
  expect(lines({ url, secureUrl, addresses })).toEqual([
    `${here} and https://10.42.0.1:8443/, https://192.168.7.2:8443/`,
  ]);
  expect(lines({ url, addresses })).toEqual([
    `${here} and http://10.42.0.1:8080/, http://192.168.7.2:8080/`,
  ]);
  expect(lines({ url, addresses: [] })).toEqual([here]);
});

test('a new one gives a link that can be opened here', () => {
  expect(lines({ claimCode: CODE })[1]).toBe(
    `nobody has claimed it yet: open http://127.0.0.1:8080/#setup/${CODE}`,
  );
  for (const url of ['http://0.0.0.0:8080', 'http://[::]:8080']) {
    expect(lines({ url, claimCode: CODE })[1]).toContain(`open http://127.0.0.1:8080/#setup/`);
  }
});

test('and one for a phone, which needs TLS and an address that it can reach', () => {
  const both = { url: 'http://0.0.0.0:80', secureUrl: 'https://0.0.0.0:8443', claimCode: CODE };
  expect(lines(both).slice(1)).toEqual([
    `nobody has claimed it yet: open http://127.0.0.1/#setup/${CODE}`,
    `or on another device https://10.42.0.1:8443/#setup/${CODE}`,
  ]);
  expect(lines({ ...both, addresses: [] })[2]).toBeUndefined();
  expect(lines({ ...both, secureUrl: 'https://[::1]:8443' })[2]).toBeUndefined();
  expect(lines({ ...both, secureUrl: 'https://car.local' })[2]).toContain('https://car.local/#');
});
