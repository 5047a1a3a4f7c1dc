/** The fleet side's process, which need not have anything that it needs: startIngest waits until it has. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT, stopProcess } from '../../support/child.ts';
import type { Cloud } from '../../support/cloud-tree.ts';

export interface WaitingIngest extends AsyncDisposable {
  readonly process: ChildProcess;
  /** `http://127.0.0.1:...`, of its status pages. */
  readonly url: string;
  /** All that it said. */
  readonly lines: readonly string[];
}

/** Resolves when its status pages are there. */
export async function spawnIngest(
  cloud: Pick<Cloud, 'amqpUrl' | 'mqttUrl' | 'databaseUrl'>,
): Promise<WaitingIngest> {
  const child = spawn(process.execPath, [`${ROOT}src/cloud/main.ts`], {
    env: {
      VIGIL_CLOUD_AMQP: cloud.amqpUrl,
      VIGIL_CLOUD_MQTT: cloud.mqttUrl,
      VIGIL_CLOUD_DATABASE: cloud.databaseUrl,
      VIGIL_CLOUD_METRICS: '127.0.0.1:0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      const [, at] = /health at (\S+)/.exec(line) ?? [];
      if (at !== undefined) resolve(`http://${at}`);
    });
  }
  child.once('close', () => reject(new Error(`it ended:\n${lines.join('\n')}`)));
  const url = await promise;
  return { process: child, lines, url, [Symbol.asyncDispose]: () => stopProcess(child) };
}
