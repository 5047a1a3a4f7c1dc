/** The OpenAPI document in the eyes of a linter that is not ours, with the rules that it recommends. */
import { expect, test } from 'vitest';
import { openApi } from '../../../src/http/docs/openapi.ts';
import { ROUTES } from '../../../src/http/routes/index.ts';
import { lint } from '../../support/redocly.ts';

test('a linter finds nothing wrong with the document', async () => {
  const { totals, problems } = await lint('openapi.json', openApi(ROUTES));
  expect(problems).toEqual([]);
  expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
});

test('it does find what is wrong', async () => {
  const { paths, ...document } = openApi(ROUTES);
  const broken = { get: { responses: { 200: { $ref: '#/components/responses/None' } } } };
  const { totals, problems } = await lint('openapi.json', {
    ...document,
    paths: { ...paths, '/x': broken },
  });
  expect(totals.errors).toBeGreaterThan(0);
  expect(totals.warnings).toBeGreaterThan(0);
  expect(problems.map(({ ruleId }) => ruleId)).toContain('no-unresolved-refs');
});
