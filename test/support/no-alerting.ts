import { AlertError } from '../../src/alerts/errors.ts';
import type { Gateway } from '../../src/http/routes/index.ts';

/** What the routes get of a gateway without rules, alerts and actions. */
export function noAlerting(): Gateway['alerting'] {
  const missing = (): never => {
    throw new AlertError('NOT_FOUND', 'there are no alerts here');
  };
  return {
    rules: {
      list: () => [],
      get: missing,
      originOf: () => 'own',
      check: () => [],
      create: async () => missing(),
      update: async () => missing(),
      remove: async () => missing(),
    },
    ongoing: () => [],
    list: () => ({ items: [], next: null }),
    get: missing,
    acknowledge: async () => missing(),
    silence: async () => missing(),
    note: async () => missing(),
    actions: () => [],
    test: async () => missing(),
  };
}
