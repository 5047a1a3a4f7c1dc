/** One's own account: the password, where one is logged in, and the way out. */
import { account } from './account.js';
import { timeText } from './alert-words.js';
import { useAct, useAnswer } from './answers.js';
import { ask } from './api.js';
import { AskingButton, FormError, PasswordField, useForm } from './form.js';
import { html } from './gauge.js';
import { Frame, isDriving, Said } from './more.js';

/** What each role is for. */
export const ROLES = {
  viewer: 'sees everything and changes nothing',
  operator: 'runs the gateway in the car',
  researcher: 'works with the recordings',
  student: 'has sessions of their own',
  admin: 'manages everything, accounts included',
};

/** @typedef {{ id: string, client: string, madeAt: string | null, usedAt: string | null, current: boolean }} Login */

/** @param {{ live: import('./live.js').Live }} props */
export function OwnAccount({ live }) {
  const who = account.who.value;
  if (who.state !== 'in') return null;
  const { username, role } = who.user;
  const driving = isDriving(live);
  return html`
    <${Frame} view="account" live=${live}>
      <section class="card summary" aria-label="Who you are">
        <p><b>${username}</b>, ${role}: ${ROLES[role]}.</p>
        <${Out} />
      </section>
      ${!driving && html`<${Password} username=${username} />`}
      <${Logins} />
      ${role === 'student' && html`<${OwnData} />`}
    <//>
  `;
}

function Out() {
  const { said, act } = useAct(() => {});
  const out = () =>
    act(async () => {
      await ask('/auth/logout', { method: 'POST' });
      account.leave();
      // Nothing of what somebody saw stays in the page.
      location.replace(location.pathname);
      return '';
    });
  return html`
    <p class="said" role="alert" data-failed=${said.failed}>${said.text}</p>
    <div class="do"><button class="button" type="button" onClick=${out}>Log out</button></div>
  `;
}

/** @param {{ username: string }} props */
function Password({ username }) {
  const { busy, error, faults, submit, attributes } = useForm('password');
  const { said, act } = useAct(() => {});
  const save = submit(async (text, form) => {
    const body = { before: text('before'), password: text('password') };
    await ask('/auth/me', { method: 'PATCH', body });
    form.reset();
    await act(() => Promise.resolve('The password is changed. Your other log-ins have ended.'));
  });
  return html`
    <section class="card summary" aria-labelledby="password-title">
      <h3 id="password-title">Password</h3>
      <form class="edit" ...${attributes} onSubmit=${save} aria-labelledby="password-title">
        <input hidden name="username" autocomplete="username" value=${username} readonly />
        <${PasswordField} label="Password so far" name="before" faults=${faults} autocomplete="current-password" />
        <${PasswordField} label="New password" faults=${faults} autocomplete="new-password" />
        <${FormError} error=${error} />
        <p class="said wide" role="status">${error === '' && faults.size === 0 && said.text}</p>
        <div class="do wide"><button class="button primary" disabled=${busy}>Change it</button></div>
      </form>
    </section>
  `;
}

function Logins() {
  /** @type {import('./answers.js').Answer<{ items: readonly Login[] }>} */
  const { answer, error, again } = useAnswer('/auth/sessions');
  const { said, act } = useAct(again);
  /** @param {Login} login */
  const end = ({ id, client }) =>
    act(async () => {
      await ask(`/auth/sessions/${id}`, { method: 'DELETE' });
      return `${clientName(client)} is logged out.`;
    });
  return html`
    <section class="card summary" aria-labelledby="logins-title">
      <h3 id="logins-title">Where you are logged in</h3>
      <${Said} said=${said} error=${error} waits=${!answer} />
      <ul class="rows">
        ${answer?.items.map(
          (login) => html`
            <li key=${login.id}>
              <span class="what">
                ${clientName(login.client)}
                <small>${login.current ? 'This one' : `Last used ${timeText(login.usedAt)}`}</small>
              </span>
              ${
                !login.current &&
                html`<button
                  class="button"
                  type="button"
                  aria-label="Log out ${clientName(login.client)}"
                  onClick=${() => end(login)}
                >
                  Log out
                </button>`
              }
            </li>
          `,
        )}
      </ul>
    </section>
  `;
}

/** Students may take back what they have given. */
function OwnData() {
  const { said, act } = useAct(() => {});
  const remove = () =>
    act(async () => {
      await ask('/auth/me', { method: 'DELETE' });
      account.leave('Your account and your data are deleted.');
      return '';
    });
  return html`
    <section class="card summary" aria-labelledby="data-title">
      <h3 id="data-title">Your data</h3>
      <p>What is recorded in your sessions is yours. End them, and you can take it back.</p>
      <p class="said" role="status" data-failed=${said.failed}>${said.text}</p>
      <div class="do">
        <${AskingButton}
          label="Delete my data"
          question="Delete all your sessions with their data, and your account, for good?"
          yes="Delete for good"
          act=${remove}
        />
      </div>
    </section>
  `;
}

/** Most browsers also call themselves Safari, and many Chrome, so those come last. */
const BROWSERS = [/(Edg|OPR|Firefox)\w*\//, /(Chrome)\//, /(Safari)\//, /^([\w.-]+)/];
/** Telephones also name the system that theirs has come of. */
const SYSTEMS = [/\b(Android|iPhone|iPad)\b/, /\b(Windows|Mac OS X|Linux)\b/];
const NAMES = new Map([
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Mac OS X', 'macOS'],
]);

/**
 * What a client is called by a person: `Chrome on Android`.
 * @param {string} client as it calls itself
 */
export function clientName(client) {
  const [found, system] = [BROWSERS, SYSTEMS].map((all) =>
    all.map((one) => one.exec(client)?.[1]).find((name) => name !== undefined),
  );
  const named = [found, system].filter((one) => one !== undefined);
  return named.map((one) => NAMES.get(one) ?? one).join(' on ') || 'Unknown client';
}
