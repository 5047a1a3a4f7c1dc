import * as v from 'valibot';
import type { Alert } from '#core/alert.ts';
import type { Health } from '#core/health.ts';
import { EXPOSITION_TYPE, exposition } from '../metrics/exposition.ts';
import { type Machine, metricsOf } from '../metrics/metrics.ts';
import { Content, route } from '../route.ts';

interface MetricsDeps {
  health(): Health;
  readonly alerting: {
    /** Those that last. */
    ongoing(): readonly Alert[];
  };
  /** `systemOf` of system.ts makes it. */
  system(): Promise<Machine>;
}

export const readMetrics = route({
  method: 'GET',
  path: '/metrics',
  atRoot: true,
  summary: 'Everything that is counted, for Prometheus.',
  access: 'manage or local',
  query: undefined,
  body: undefined,
  reply: v.instance(Content),
  produces: ['text/plain'],
  handle: async (gateway: MetricsDeps) => {
    const machine = await gateway.system();
    const health = gateway.health();
    const text = exposition(metricsOf({ health, ongoing: gateway.alerting.ongoing(), machine }));
    return new Content({ 'content-type': EXPOSITION_TYPE }, new TextEncoder().encode(text));
  },
});
