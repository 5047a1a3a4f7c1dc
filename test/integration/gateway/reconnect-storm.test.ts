/** Everybody who may be connected is lost at once, and comes back as the dashboard does. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Link } from '../../../web/link.js';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';
import { type Answer, LosableSocket } from '../../support/losable-socket.ts';
import { SeqListener } from '../../support/seq-listener.ts';
import { beginSession, overHttp, SessionLoad } from '../../support/session-load.ts';
import { freshToken } from '../../support/token-pair.ts';

/** As many as there may be, `clientsMax` of http/limits.ts. */
/** There to end a hang. */
const TEST_MS_MAX = 120_000;
const CLIENTS = 200;
const STORMS = 3;
/** Until all are live again. */
const BACK_MS_MAX = 10_000;
const POLL_MS = 50;
/** What the dashboard shows. */
const STREAMS = ['obd.*', 'eeg.*', 'alert'];
const LOAD = { client: 'load', eventsHz: 50, texts: 0, channels: 0 };
const Counted = v.object({
  ...{ clients: v.number(), strangers: v.number(), errors: v.number() },
  ...{ refused: v.number(), shed: v.number() },
});

/** A page of the dashboard: its own link, and a network that it may lose. */
class Page {
  /** How often it was live: greeted, and told by a tick that the link goes on. */
  lives = 0;
  /** What was answered to each try to connect. */
  readonly answers: Answer[] = [];
  readonly #link: Link;
  #socket: LosableSocket | undefined;

  constructor(url: string, token: string) {
    const nothing = () => {};
    let isGreeted = false;
    this.#link = new Link({
      open: () => {
        const answered = (answer: Answer) => void this.answers.push(answer);
        this.#socket = new LosableSocket(`${url}ws/telemetry`, answered);
        return this.#socket;
      },
      token: () => token,
      now: () => performance.now(),
      random: Math.random,
      streams: STREAMS,
      status: nothing,
      unauthenticated: nothing,
      listener: {
        ...{ streams: nothing, samples: nothing, block: nothing, event: nothing, alert: nothing },
        ...{ refused: nothing, phase: nothing },
        hello: () => {
          isGreeted = true;
        },
        tick: () => {
          if (isGreeted) this.lives++;
          isGreeted = false;
        },
      },
    });
  }

  poll(): void {
    this.#link.poll();
  }

  loseNetwork(): void {
    this.#socket?.lose();
  }

  leave(): void {
    this.#link.leave();
  }
}

/** Does something to the pages, and waits until each is live once more. Milliseconds that it took. */
async function untilLive(pages: readonly Page[], begin = () => {}): Promise<number> {
  const wanted = new Map(pages.map((page) => [page, page.lives + 1]));
  const began = performance.now();
  begin();
  const live = () => pages.filter((page) => page.lives >= (wanted.get(page) ?? 0)).length;
  const probe = () => ({ done: live() === pages.length, seen: `${live()} of ${pages.length}` });
  await eventually('all pages are live', probe, BACK_MS_MAX);
  return performance.now() - began;
}

async function counted(gateway: Gateway) {
  return v.parse(Counted, (await gateway.part('http')).details);
}

test('200 clients come back within 10 s, three times over, and one that stayed misses nothing', {
  timeout: TEST_MS_MAX,
}, async () => {
  await using gateway = await startGateway({ args: ['--sim', '1'] });
  const session = await beginSession(gateway);
  const { access } = await freshToken(gateway.url);
  using stack = new DisposableStack();
  const stayed = stack.use(new SeqListener(gateway.url));
  await stayed.subscribed();
  await using load = await SessionLoad.start(session, overHttp(session), LOAD);
  const pages = Array.from({ length: CLIENTS - 1 }, () => new Page(gateway.url, access));
  const polling = setInterval(() => {
    for (const page of pages) page.poll();
  }, POLL_MS);
  stack.defer(() => {
    clearInterval(polling);
    for (const page of pages) page.leave();
  });
  const storm = () => {
    for (const page of pages) page.loseNetwork();
  };
  const took = [await untilLive(pages)];
  for (let i = 0; i < STORMS; i++) {
    took.push(await untilLive(pages, storm));
    expect(await counted(gateway)).toMatchObject({ clients: CLIENTS, strangers: 0, errors: 0 });
  }
  const sent = await load.stop();
  await stayed.until(sent);
  expect(stayed).toMatchObject({ missed: 0, repeated: 0, closeCode: undefined });
  expect(stayed.events).toBeGreaterThanOrEqual(sent);
  expect(stayed.waveShare).toBe(1);
  stayed[Symbol.dispose]();
  // With one more that makes all of them.
  const last = new Page(gateway.url, access);
  pages.push(last);
  await untilLive([last]);
  took.push(await untilLive(pages, storm));

  expect(pages).toHaveLength(CLIENTS);
  const answers = pages.flatMap((page) => page.answers);
  const welcomed = answers.filter(({ status }) => status === 101);
  const later = answers.filter(({ status }) => status === 503);
  expect(answers.length).toBe(welcomed.length + later.length);
  for (const { retryAfter } of later) expect(retryAfter).toMatch(/^[1-9]\d?$/);
  const { refused, shed } = await counted(gateway);
  console.log(
    `live after ${took.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s; ${sent} events meanwhile;`,
    `${welcomed.length} let in, ${later.length} told to come later, ${shed} of all ${refused} too fast`,
  );
});
