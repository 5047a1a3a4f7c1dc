import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
const page = read('web/index.html');
const vendor: { url: string; file: string }[] = JSON.parse(read('web/vendor.json'));
const importMap: Record<string, string> = JSON.parse(
  /<script type="importmap">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '',
).imports;
const preloads = [...page.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, url]) => url);

test('every vendor file exists', () => {
  for (const { file } of vendor) {
    const { size } = statSync(new URL(`../../../node_modules/${file}`, import.meta.url));
    expect(size, file).toBeGreaterThan(0);
  }
});

test('what the import map names is served, and loaded with the page instead of after it', () => {
  const served = vendor.map(({ url }) => url);
  for (const url of Object.values(importMap)) {
    expect(served).toContain(url);
    expect(preloads).toContain(url);
  }
});

test('modules that are imported at the start are preloaded, and no others', () => {
  const eager = new Set<string>();
  const visit = (name: string): void => {
    if (eager.has(name)) return;
    eager.add(name);
    const imports = read(`web/${name}`).matchAll(/^import .*from '\.\/(.+)';$/gm);
    for (const [, imported = ''] of imports) visit(imported);
  };
  visit('app.js');
  const own = preloads.filter((url) => !url?.startsWith('/vendor/'));
  expect(own.toSorted()).toEqual([...eager].map((name) => `/${name}`).toSorted());
});

test('the icon in the page, there to save a request, is icon.svg', () => {
  const inline = /rel="icon"\s+href="data:image\/svg\+xml,([^"]+)"/.exec(page)?.[1] ?? '';
  const plain = (svg: string) => svg.replaceAll("'", '"').replaceAll(/>\s+</g, '><').trim();
  expect(plain(decodeURIComponent(inline))).toBe(plain(read('web/icon.svg')));
});
