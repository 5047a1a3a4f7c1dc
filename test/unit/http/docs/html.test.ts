import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { asyncApi } from '../../../../src/http/docs/asyncapi.ts';
import { page } from '../../../../src/http/docs/html.ts';
import { html } from '../../../../src/http/docs/markup.ts';
import { openApi } from '../../../../src/http/docs/openapi.ts';
import { SOCKETS } from '../../../../src/http/docs/sockets.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';

const text = page(openApi(ROUTES), asyncApi(SOCKETS));
/** More is too much for a phone on the hotspot of a car. */
const PACKED_BYTES_MAX = 60 * 1024;

test('every route and every WebSocket is there, with who may', () => {
  for (const { method, path } of ROUTES) {
    const address = path.replaceAll(/:(\w+)/g, '{$1}');
    expect(text).toContain(`<span class="method">${method}</span> <code>${address}</code>`);
  }
  for (const { path } of SOCKETS) {
    expect(text).toContain(`<code>${path.replaceAll(/:(\w+)/g, '{$1}')}</code>`);
  }
  expect(text).toContain('For viewer, operator, researcher, student (of their own), admin.');
  expect(text.match(/curl /g)?.length).toBeGreaterThanOrEqual(ROUTES.length);
});

test('links lead somewhere, and no two places have one name', () => {
  const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const links = [...text.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
  expect(links.length).toBeGreaterThan(30);
  expect(links.filter((id) => !ids.includes(id))).toEqual([]);
});

test('nothing in it needs what the policy of the server forbids', () => {
  expect(text).not.toMatch(/<script|<style| style=| on[a-z]+="/);
});

test('it is small enough for a phone', () => {
  expect(gzipSync(text).length).toBeLessThan(PACKED_BYTES_MAX);
});

test('text does not become an element', () => {
  expect(html`<p title="${'"'}">${'<b>&'}</p>`.html).toBe('<p title="&quot;">&lt;b&gt;&amp;</p>');
  expect(html`<ul>${[html`<li>${1}</li>`, html`<li>2</li>`]}</ul>`.html).toBe(
    '<ul><li>1</li><li>2</li></ul>',
  );
});
