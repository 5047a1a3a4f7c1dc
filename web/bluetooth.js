/** Bluetooth: what there is near, what is paired, and how the settings name it. */
import { useEffect, useState } from 'preact/hooks';
import { account } from './account.js';
import { useAct, useAnswer } from './answers.js';
import { ask, request } from './api.js';
import { adapterFault, deviceText, settingsFor } from './bluetooth-words.js';
import { AskingButton, CopyField, FormError, useForm } from './form.js';
import { html } from './gauge.js';

/** As long as a device may take to answer, and another try, s. */
const SCAN_S = 20;
/** Devices are shown soon after they were seen, ms. */
const LOOK_MS = 1_500;

/** @typedef {import('./bluetooth-words.js').BluetoothState} BluetoothState */
/** @typedef {import('./bluetooth-words.js').Device} Device */
/** @typedef {(work: () => Promise<string>) => Promise<void>} Act */

/** @param {{ linked: boolean, driving: boolean }} props */
export function Bluetooth({ linked, driving }) {
  /** @type {import('./answers.js').Answer<BluetoothState>} */
  const { answer, error, again } = useAnswer('/bluetooth', (state) => state.scanning, LOOK_MS);
  const { said, act } = useAct(again, linked);
  const scanning = answer?.scanning ?? false;
  const fault = answer ? adapterFault(answer) : '';
  return html`
    <section class="card summary" aria-labelledby="bluetooth-title">
      <h3 id="bluetooth-title">Bluetooth</h3>
      <p class="said" role="status" data-failed=${said.failed}>${said.text}</p>
      ${(error || fault) && html`<p class="hint" role="status">${error || fault}</p>`}
      ${answer && html`<${Adapters} adapters=${answer.adapters} />`}
      ${answer && fault === '' && html`<${Scan} scanning=${scanning} act=${act} />`}
      ${answer && html`<${Devices} ...${{ devices: answer.devices, scanning, act, driving }} />`}
    </section>
  `;
}

/** @param {{ adapters: BluetoothState['adapters'] }} props */
function Adapters({ adapters }) {
  return html`
    <ul class="rows" aria-label="Bluetooth adapters">
      ${adapters.map(
        ({ address, name, powered }) => html`
          <li key=${address}>
            <span class="what">Adapter <b>${name}</b> <small>${address}</small></span>
            <span class="mark" data-level=${powered ? 'live' : 'caution'}>
              ${powered ? 'On' : 'Off: a scan switches it on'}
            </span>
          </li>
        `,
      )}
    </ul>
  `;
}

/** @param {{ scanning: boolean, act: Act }} props */
function Scan({ scanning, act }) {
  const [since, setSince] = useState(0);
  const scan = () =>
    act(async () => {
      await ask('/bluetooth/scan', { method: 'POST', body: { seconds: SCAN_S } });
      setSince(performance.now());
      return '';
    });
  // Drawn anew with each look; how far one is that somebody else has begun, nobody here knows.
  const share = since > 0 ? Math.min(1, (performance.now() - since) / 1000 / SCAN_S) : null;
  useEffect(() => {
    if (!scanning) setSince(0);
  }, [scanning]);
  return html`
    <p class="hint">
      Switch the device on, bring it near, and disconnect it from any phone: it can be found by one at a time.
    </p>
    <div class="do">
      <button class="button primary" type="button" disabled=${scanning} onClick=${scan}>
        ${scanning ? 'Looking …' : 'Look for devices'}
      </button>
      ${scanning && html`<progress aria-label="Looking for devices" value=${share}></progress>`}
    </div>
  `;
}

/** @param {{ devices: readonly Device[], scanning: boolean, act: Act, driving: boolean }} props */
function Devices({ devices, scanning, act, driving }) {
  return html`
    ${devices.length === 0 && !scanning && html`<p class="hint">No device is known.</p>`}
    <ul class="rows" aria-label="Bluetooth devices" aria-busy=${scanning}>
      ${devices.map((device) => html`<${DeviceRow} key=${device.address} ...${{ device, act, driving }} />`)}
    </ul>
    ${
      devices.some(({ paired }) => paired) &&
      html`<p class="hint">
        A paired device is used once a setting names it, after a restart.
        ${account.may('manage') && html` <a href="#settings">Open the settings</a>`}
      </p>`
    }
  `;
}

/** @param {{ device: Device, act: Act, driving: boolean }} props */
function DeviceRow({ device, act, driving }) {
  const { address, name, paired, connected } = device;
  const [pairing, setPairing] = useState(false);
  const called = name || address;
  const forget = () =>
    act(async () => {
      await ask(`/bluetooth/devices/${address}`, { method: 'DELETE' });
      return `${called} is forgotten.`;
    });
  return html`
    <li>
      <span class="what"><b>${name || 'Without a name'}</b> <small>${deviceText(device)}</small></span>
      ${paired && html`<span class="mark" data-level="live">Paired</span>`}
      ${connected && html`<span class="mark" data-level="live">Connected</span>`}
      ${
        !paired &&
        !driving &&
        html`<button
          class="button"
          type="button"
          aria-expanded=${pairing}
          aria-label="Pair ${called}"
          onClick=${() => setPairing(!pairing)}
        >
          Pair
        </button>`
      }
      ${
        paired &&
        html`<div class="do">
          <${AskingButton}
            label="Forget"
            of=${called}
            question="Forget ${called}? It has to be paired anew before it is used again."
            yes="Forget"
            act=${forget}
          />
        </div>`
      }
      ${pairing && !paired && !driving && html`<${PairForm} ...${{ device, called, act }} onDone=${() => setPairing(false)} />`}
      ${paired && html`<${HowToName} device=${device} />`}
    </li>
  `;
}

/** @param {{ device: Device, called: string, act: Act, onDone: () => void }} props */
function PairForm({ device: { address }, called, act, onDone }) {
  const { busy, error, submit, attributes, forget } = useForm(`pair ${address}`);
  const cancel = () => {
    forget();
    onDone();
  };
  const pair = submit(async (text) => {
    const pin = text('pin').trim();
    // Longer than other answers may take: each PIN that is tried has its time.
    await request(`/bluetooth/devices/${address}/pair`, {
      method: 'POST',
      body: pin === '' ? {} : { pin },
    });
    onDone();
    await act(async () => `${called} is paired: now name it in the settings.`);
  });
  return html`
    <form class="edit" ...${attributes} onSubmit=${pair} aria-label="Pair ${called}">
      <label>
        PIN of its manual, if it has one
        <input name="pin" inputmode="numeric" maxlength="16" autocomplete="off" autocapitalize="none" />
        <small>Without one, 0000 and 1234 are tried.</small>
      </label>
      <${FormError} error=${error} />
      ${busy && html`<p class="hint wide" role="status">Pairing: it may take half a minute.</p>`}
      <div class="do wide">
        <button class="button primary" disabled=${busy}>${busy ? 'Pairing …' : 'Pair now'}</button>
        <button class="button" type="button" disabled=${busy} onClick=${cancel}>Cancel</button>
      </div>
    </form>
  `;
}

/** @param {{ device: Device }} props */
function HowToName({ device }) {
  return html`
    <div class="wide names">
      ${settingsFor(device).map(
        ({ setting, url }) =>
          html`<${CopyField} key=${setting} label="For the setting ${setting}" text=${url} />`,
      )}
    </div>
  `;
}
