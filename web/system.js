/** The gateway itself: its devices, its parts, and what it runs on. For who looks after it. */
import { useAct, useAnswer } from './answers.js';
import { ask } from './api.js';
import { Bluetooth } from './bluetooth.js';
import { ageText, html } from './gauge.js';
import { Frame, isDriving, Said } from './more.js';
import { Sync } from './sync.js';
import { bytesText, durationText } from './words.js';

const LEVELS = {
  ok: 'live',
  running: 'live',
  starting: 'caution',
  waiting: 'caution',
  failed: 'danger',
};
const WORDS = {
  ok: 'Works',
  running: 'Works',
  starting: 'Starting',
  waiting: 'Waiting',
  failed: 'Failed',
};

/** @typedef {import('./vehicle.js').ReplyOf<typeof import('../src/http/routes/system.ts').readSystem>} SystemState */

/** @param {{ live: import('./live.js').Live }} props */
export function System({ live }) {
  return html`
    <${Frame} view="system" live=${live}><${State} live=${live} /><//>
  `;
}

/** @param {{ live: import('./live.js').Live }} props */
function State({ live }) {
  /** @type {import('./answers.js').Answer<SystemState>} */
  const { answer, error, again } = useAnswer('/diagnostics/system', () => true);
  const { said, act } = useAct(again, live.link.value.phase === 'live');
  const parts = live.health.value?.parts ?? [];
  return html`
    <${Said} said=${said} error=${error} waits=${!answer} />
    ${answer && html`<${Sources} sources=${answer.sources} act=${act} />`}
    <${Bluetooth} linked=${live.link.value.phase === 'live'} driving=${isDriving(live)} />
    <${Sync} />
    ${answer && html`<${Facts} system=${answer} />`}
    <section class="card summary" aria-labelledby="parts-title">
      <h3 id="parts-title">Parts</h3>
      <ul class="rows">
        ${parts.map(
          ({ id, status, text }) => html`
            <li key=${id}>
              <span class="what"><b>${id}</b> <small>${text}</small></span>
              <${Mark} state=${status} />
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

/** @param {{ state: keyof typeof LEVELS }} props */
function Mark({ state }) {
  return html`<span class="mark" data-level=${LEVELS[state]}>${WORDS[state]}</span>`;
}

/** @param {{ sources: SystemState['sources'], act: (work: () => Promise<string>) => Promise<void> }} props */
function Sources({ sources, act }) {
  /** @param {string} id */
  const restart = (id) =>
    act(async () => {
      await ask(`/sources/${encodeURIComponent(id)}/restart`, { method: 'POST' });
      return `The link to ${id} is opened anew.`;
    });
  return html`
    <section class="card summary" aria-labelledby="sources-title">
      <h3 id="sources-title">Devices</h3>
      ${sources.length === 0 && html`<p class="hint">No device is configured.</p>`}
      <ul class="rows">
        ${sources.map(
          ({ id, state, text, device, simulated, sinceS, failures }) => html`
            <li key=${id}>
              <span class="what">
                <b>${id}</b> ${text}
                <small>
                  ${[
                    simulated && 'simulated',
                    device,
                    `for ${ageText(sinceS * 1000)}`,
                    failures > 0 && `${failures} failures`,
                  ]
                    .filter(Boolean)
                    .join(' · ')}
                </small>
              </span>
              <${Mark} state=${state} />
              <button class="button" type="button" aria-label="Restart ${id}" onClick=${() => restart(id)}>
                Restart
              </button>
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

/** @param {{ system: SystemState }} props */
function Facts({ system }) {
  const { versions, device, uptimeS, clock, store, eventLoop, memory, disk } = system;
  const facts = [
    ['Name', device],
    ['Version', versions.gateway],
    ['Runs for', durationText(uptimeS)],
    ['Clock', clock.trust === 'none' ? 'not set' : `from ${clock.trust}`],
    ['Memory', bytesText(memory.rssMB * 1e6)],
    ['Disk free', disk === null ? 'not known' : bytesText(disk.freeMB * 1e6)],
    ['Store', store.text],
    ['Late by at most', `${eventLoop.maxMs.toFixed(0)} ms`],
    ['Node.js', versions.node],
    ['Kernel', versions.kernel],
  ];
  return html`
    <section class="card summary" aria-labelledby="facts-title">
      <h3 id="facts-title">Gateway</h3>
      <dl class="figures times">
        ${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
      </dl>
      <p><a class="link" href="/api/docs">The API in words</a></p>
    </section>
  `;
}
