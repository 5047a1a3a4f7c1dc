/** The vehicle: who it is, its trouble codes, and whether its own tests have run. */
import { account } from './account.js';
import { timeText } from './alert-words.js';
import { useAct, useAnswer, useChange } from './answers.js';
import { ask } from './api.js';
import { Buses } from './can.js';
import { html } from './gauge.js';
import { Frame, isDriving, Said } from './more.js';
import { HoldButton } from './passenger.js';
import { durationText } from './words.js';

const QUIET = { text: '', failed: false };
/** What is older is read from the car again, s. */
const AGE_S_MAX = 60;
const STATES = { stored: 'danger', pending: 'caution', permanent: 'danger' };

/**
 * @template T
 * @typedef {import('valibot').InferOutput<T extends { reply: infer S extends import('valibot').GenericSchema } ? S : never>} ReplyOf
 */
/** @typedef {ReplyOf<typeof import('../src/http/routes/diagnostics.ts').readVehicle>} Identity */
/** @typedef {ReplyOf<typeof import('../src/http/routes/diagnostics.ts').readReadiness>} Readiness */
/** @typedef {ReplyOf<typeof import('../src/http/routes/diagnostics-dtc.ts').listTroubleCodes>} Codes */
/** @typedef {{ live: import('./live.js').Live, linked: boolean }} PartProps */

/** @param {{ live: import('./live.js').Live }} props */
export function Vehicle({ live }) {
  const linked = live.link.value.phase === 'live';
  const isAsked = live.sources.value?.some(({ id }) => id === 'obd') ?? true;
  return html`
    <${Frame} view="vehicle" live=${live}>
      ${
        isAsked
          ? html`
            ${account.may('service') && html`<${CodeList} live=${live} linked=${linked} />`}
            <${WhoItIs} linked=${linked} />
            <${Tests} linked=${linked} />
          `
          : html`<${NotAsked} />`
      }
      <${Buses} live=${live} linked=${linked} driving=${isDriving(live)} />
    <//>
  `;
}

/** A gateway that only listens knows no more than what is on the bus. */
function NotAsked() {
  return html`
    <section class="card summary" aria-labelledby="asked-title">
      <h3 id="asked-title">Diagnosis</h3>
      <p class="hint">
        No OBD adapter is configured, so that the car is not asked for its trouble codes, its identity and
        its readiness. The setting <code>obd</code> names one; <code>canTransmit</code> lets the car be
        asked over its CAN bus.
      </p>
    </section>
  `;
}

/** @param {{ linked: boolean }} props */
function WhoItIs({ linked }) {
  /** @type {import('./answers.js').Answer<Identity>} */
  const { answer, error, again } = useAnswer('/diagnostics/vehicle');
  useChange(linked, again);
  return html`
    <section class="card summary" aria-labelledby="identity-title">
      <h3 id="identity-title">Identity</h3>
      <${Said} said=${QUIET} error=${error} waits=${!answer} />
      ${answer && html`<${IdentityTable} identity=${answer} />`}
    </section>
  `;
}

/** @param {{ identity: Identity }} props */
function IdentityTable({ identity: { connected, vin, vinHidden, protocol, ecus } }) {
  const facts = [
    ['VIN', vinHidden ? 'for operators only' : (vin ?? 'not told')],
    ['Protocol', protocol ?? 'not known'],
  ];
  return html`
    ${!connected && html`<p class="hint">The car does not answer now; this is what is known of it.</p>`}
    <dl class="figures times">
      ${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
    <ul class="rows">
      ${ecus.map(
        ({ ecu, name, calibrationIds, verificationNumbers }) => html`
          <li key=${ecu}>
            <span class="what">
              ${name ?? 'Control unit'} <small>${ecu}</small>
              ${calibrationIds.length > 0 && html`<small>Software ${calibrationIds.join(', ')}</small>`}
              ${verificationNumbers.length > 0 && html`<small>Checksum ${verificationNumbers.join(', ')}</small>`}
            </span>
          </li>
        `,
      )}
    </ul>
  `;
}

/** @param {PartProps} props */
function CodeList({ live, linked }) {
  /** @type {import('./answers.js').Answer<Codes>} */
  const { answer, error, again } = useAnswer(`/diagnostics/dtc?maxAge=${AGE_S_MAX}`);
  const { said, act } = useAct(again, linked);
  const items = answer?.items ?? [];
  const clear = () =>
    act(async () => {
      /** @type {{ remaining: Codes['items'] | null }} */
      const { remaining } = await ask('/diagnostics/dtc', {
        method: 'DELETE',
        body: { confirm: true },
      });
      const left = remaining?.length ?? 0;
      return left > 0
        ? `Cleared, but for ${left} that the car has again.`
        : 'The codes are cleared.';
    });
  return html`
    <section class="card summary" aria-labelledby="codes-title">
      <h3 id="codes-title">Trouble codes</h3>
      <${Said} said=${said} error=${error} waits=${!answer} />
      ${answer && items.length === 0 && html`<p class="hint">There are none.</p>`}
      <ul class="rows">
        ${items.map(
          ({ code, state, text, ecu, since }) => html`
            <li key=${`${code} ${state} ${ecu}`}>
              <span class="what">
                <b>${code}</b> ${text}
                <small>${since === null ? '' : `Since ${timeText(since)}, `}${ecu}</small>
              </span>
              <span class="mark" data-level=${STATES[state]}>${state}</span>
            </li>
          `,
        )}
      </ul>
      ${items.length > 0 && html`<${ClearCodes} live=${live} clear=${clear} />`}
    </section>
  `;
}

/** @param {{ live: import('./live.js').Live, clear: () => void }} props */
function ClearCodes({ live, clear }) {
  const { v, stale } = live.reading('obd.vehicle.speed');
  const stands = v === 0 && !stale;
  return html`
    <p class="hint">
      Clearing also takes the freeze frames and the results of the car's tests. It wants the car to stand
      still, and mostly the engine off.
    </p>
    <div class="do">
      <${HoldButton}
        label=${stands ? 'Clear: hold for 2 s' : 'Clear: the car has to stand'}
        name="button danger hold"
        disabled=${!stands}
        onHeld=${clear}
      />
    </div>
  `;
}

/** @param {{ linked: boolean }} props */
function Tests({ linked }) {
  /** @type {import('./answers.js').Answer<Readiness>} */
  const { answer, error, again } = useAnswer('/diagnostics/readiness');
  useChange(linked, again);
  return html`
    <section class="card summary" aria-labelledby="tests-title">
      <h3 id="tests-title">Readiness</h3>
      <p class="hint">The tests that the car makes of itself: an inspection wants them complete.</p>
      <${Said} said=${QUIET} error=${error} waits=${!answer} />
      ${answer && html`<${Since} readiness=${answer} />`}
      ${answer?.ecus.map((ecu) => html`<${Monitors} key=${ecu.ecu} unit=${ecu} />`)}
    </section>
  `;
}

/** @param {{ readiness: Readiness }} props */
function Since({ readiness: { mil, sinceCleared, withMil } }) {
  /** @param {{ distanceKm: number | null, minutes: number | null }} since */
  const words = ({ distanceKm, minutes }) =>
    [distanceKm !== null && `${distanceKm} km`, minutes !== null && durationText(minutes * 60)]
      .filter(Boolean)
      .join(', ') || 'not told';
  const facts = [
    ['Check-engine lamp', mil === null ? 'not told' : mil ? 'Lit' : 'Off'],
    mil === true ? ['Lit for', words(withMil)] : undefined,
    ['Since codes were cleared', words(sinceCleared)],
  ].filter((fact) => fact !== undefined);
  return html`
    <dl class="figures times">
      ${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  `;
}

/** @param {{ unit: Readiness['ecus'][number] }} props */
function Monitors({ unit: { ecu, monitors } }) {
  return html`
    <ul class="rows" aria-label="Tests of ${ecu}">
      ${monitors.map(
        ({ name, complete }) => html`
          <li key=${name}>
            <span class="what">${name} <small>${ecu}</small></span>
            <span class="mark" data-level=${complete ? 'live' : 'caution'}>${complete ? 'Complete' : 'Not complete'}</span>
          </li>
        `,
      )}
    </ul>
  `;
}
