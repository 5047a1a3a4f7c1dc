/** The way in: claiming a new gateway, logging in, and making an account with an invite. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { account } from './account.js';
import { ask, statusOf } from './api.js';
import { Fault, FormError, NameField, PasswordField, useForm } from './form.js';
import { html } from './gauge.js';

const CLAIMED_ALREADY = 409;
const FORBIDDEN = 403;

/** @typedef {import('./account.js').Grant} Grant */

/** @param {{ who: import('./account.js').Who, entry: { way: string, code: string } }} props */
export function Entry({ who, entry }) {
  const [way, setWay] = useState(entry.way);
  useEffect(() => setWay(entry.way), [entry]);
  const section = useRef(/** @type {HTMLElement | null} */ (null));
  // Whoever cannot see that there is a form is told by where the focus is.
  useEffect(() => {
    const empty = [...(section.current?.querySelectorAll('input') ?? [])].find(
      ({ value }) => value === '',
    );
    empty?.focus();
  }, [way, who.state]);
  const why = who.state === 'out' ? who.why : '';
  return html`
    <div class="recordings account entry">
      <section class="card summary" ref=${section}>
        ${
          who.state === 'unclaimed'
            ? html`<${Claim} code=${entry.way === 'setup' ? entry.code : ''} />`
            : way === 'invite'
              ? html`<${Register} code=${entry.code} onBack=${() => setWay('log-in')} />`
              : html`<${LogIn} why=${why} onInvite=${() => setWay('invite')} />`
        }
      </section>
    </div>
  `;
}

/** @param {{ username: string, password: string }} who */
async function logIn(who) {
  /** @type {Grant} */
  const grant = await ask('/auth/login', { method: 'POST', body: { ...who, refresh: 'cookie' } });
  account.enter(grant);
}

/** @param {{ why: string, onInvite: () => void }} props */
function LogIn({ why, onInvite }) {
  const { busy, error, faults, status, submit } = useForm();
  const send = submit(async (text) => {
    try {
      await logIn({ username: text('username').trim(), password: text('password') });
    } catch (failure) {
      // It was set up anew behind the back of this page.
      if (statusOf(failure) === FORBIDDEN) await account.renew();
      throw failure;
    }
  });
  return html`
    <h2>Log in</h2>
    ${why !== '' && error === '' && faults.size === 0 && html`<p class="said">${why}</p>`}
    <form class="edit" onSubmit=${send} aria-label="Log in">
      <${NameField} faults=${faults} />
      <${PasswordField} faults=${faults} autocomplete="current-password" />
      <${FormError} error=${error} />
      ${status === FORBIDDEN && html`<${Secure} />`}
      <div class="do wide">
        <button class="button primary" disabled=${busy}>${busy ? 'Logging in …' : 'Log in'}</button>
        <button class="button" type="button" onClick=${onInvite}>I have an invite</button>
      </div>
    </form>
  `;
}

/** How to come where passwords that open more than looking are taken. */
function Secure() {
  return html`
    <p class="hint wide">
      Others on this network could read the password here. <a href="/trust">This page</a> says at which
      address they cannot, and how this device comes to trust it.
    </p>
  `;
}

/** @param {{ code: string, onBack: () => void }} props */
function Register({ code, onBack }) {
  const { busy, error, faults, submit } = useForm();
  const send = submit(async (text) => {
    const who = { username: text('username').trim(), password: text('password') };
    const invite = text('invite').trim();
    await ask('/auth/register', { method: 'POST', body: { ...who, ...(invite && { invite }) } });
    await logIn(who);
  });
  return html`
    <h2>Make an account</h2>
    <p>You get a student's account: you start your own sessions, and see them and nobody else's.</p>
    <form class="edit" onSubmit=${send} aria-label="Make an account">
      <label>
        Invite
        <input
          class="code"
          name="invite"
          defaultValue=${code}
          autocomplete="off"
          autocapitalize="characters"
          aria-invalid=${faults.has('invite')}
        />
      </label>
      <${Fault} faults=${faults} name="invite" />
      <${NameField} faults=${faults} />
      <${PasswordField} faults=${faults} autocomplete="new-password" />
      <${FormError} error=${error} />
      <div class="do wide">
        <button class="button primary" disabled=${busy}>Make the account</button>
        <button class="button" type="button" onClick=${onBack}>Log in instead</button>
      </div>
    </form>
  `;
}

/** @param {{ code: string }} props */
function Claim({ code }) {
  const { busy, error, faults, submit } = useForm();
  const send = submit(async (text) => {
    const who = { username: text('username').trim(), password: text('password') };
    try {
      const body = { code: text('code').trim(), ...who, refresh: 'cookie' };
      account.enter(await ask('/setup', { method: 'POST', body }));
    } catch (failure) {
      if (statusOf(failure) === CLAIMED_ALREADY)
        account.leave('Somebody has claimed this gateway.');
      throw failure;
    }
  });
  return html`
    <h2>A new gateway</h2>
    <p>It is nobody's yet. Make the account that manages it.</p>
    ${
      code === '' &&
      html`<p class="hint">
        The code is in the gateway's log, and in the file claim-code in its data directory.
      </p>`
    }
    <form class="edit" onSubmit=${send} aria-label="Claim this gateway">
      <label>
        Code
        <input
          class="code"
          name="code"
          defaultValue=${code}
          placeholder="XXXX-XXXX-XXXX-XXXX"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck=${false}
          required
          aria-invalid=${faults.has('code')}
        />
      </label>
      <${Fault} faults=${faults} name="code" />
      <${NameField} faults=${faults} />
      <${PasswordField} faults=${faults} autocomplete="new-password" />
      <${FormError} error=${error} />
      <div class="do wide">
        <button class="button primary" disabled=${busy}>${busy ? 'Claiming …' : 'Claim this gateway'}</button>
      </div>
    </form>
  `;
}
