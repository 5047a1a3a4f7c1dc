/** The accounts, and the invites by which people make their own. For who manages the gateway. */
import { useState } from 'preact/hooks';
import { account } from './account.js';
import { useAct, useAnswer } from './answers.js';
import { ask } from './api.js';
import {
  AskingButton,
  CopyField,
  Fault,
  FormError,
  NameField,
  PasswordField,
  useForm,
} from './form.js';
import { html } from './gauge.js';
import { Frame, isDriving, Said } from './more.js';
import { ROLES } from './own-account.js';
import { leftText } from './words.js';

const NOTE_CHARS_MAX = 120;
/** All of them: a gateway has 500 at most. */
const USERS = '/users?limit=1000';

/** @typedef {import('../src/core/account.ts').User} User */
/** @typedef {(work: () => Promise<string>) => Promise<void>} Act */
/** @typedef {{ id: string, note: string, createdAt: string | null, leftS: number }} Invite */

/** @param {{ live: import('./live.js').Live }} props */
export function Users({ live }) {
  return html`
    <${Frame} view="users" live=${live}>
      <${UserList} driving=${isDriving(live)} />
      <${Invites} driving=${isDriving(live)} />
    <//>
  `;
}

/** @param {{ driving: boolean }} props */
function UserList({ driving }) {
  /** @type {import('./answers.js').Answer<{ items: readonly User[] }>} */
  const { answer, error, again } = useAnswer(USERS);
  const { said, act } = useAct(again);
  return html`
    <${Said} said=${said} error=${error} waits=${!answer} />
    <ul class="sessions" aria-label="Accounts">
      ${answer?.items.map(
        (user) => html`<${UserRow} key=${user.id} user=${user} act=${act} driving=${driving} />`,
      )}
    </ul>
    ${!driving && html`<${NewUser} act=${act} />`}
  `;
}

/** @param {{ user: User, act: Act, driving: boolean }} props */
function UserRow({ user, act, driving }) {
  const [editing, setEditing] = useState(false);
  const { username, role, enabled, grants } = user;
  const who = account.who.value;
  const isSelf = who.state === 'in' && who.user.id === user.id;
  return html`
    <li class="card session" data-off=${!enabled}>
      <div class="what">
        <b class="start">${username}</b>
        <span class="badges">
          <span class="mark">${role}</span>
          ${isSelf && html`<span class="mark" data-level="live">You</span>`}
          ${grants.includes('names') && html`<span class="mark">Sees names</span>`}
          ${!enabled && html`<span class="mark" data-level="caution">Disabled</span>`}
        </span>
        <span class="facts">${ROLES[role]}</span>
      </div>
      ${
        !driving &&
        html`<button
          class="button"
          type="button"
          aria-expanded=${editing}
          aria-label="Edit ${username}"
          onClick=${() => setEditing(!editing)}
        >
          Edit
        </button>`
      }
      ${editing && !driving && html`<${UserForm} user=${user} act=${act} onDone=${() => setEditing(false)} />`}
    </li>
  `;
}

/** @param {{ role: string, onRole: (role: string) => void }} props */
function RoleField({ role, onRole }) {
  const words = Object.entries(ROLES).find(([id]) => id === role)?.[1];
  /** @param {Event & { currentTarget: HTMLSelectElement }} event */
  const choose = ({ currentTarget: { value } }) => onRole(value);
  return html`
    <label>
      Role
      <select name="role" value=${role} onChange=${choose}>
        ${Object.keys(ROLES).map((id) => html`<option value=${id}>${id}</option>`)}
      </select>
      <small>${words}</small>
    </label>
  `;
}

/** @param {{ user: User, act: Act, onDone: () => void }} props */
function UserForm({ user, act, onDone }) {
  const { id, username, enabled, grants } = user;
  const [role, setRole] = useState(/** @type {string} */ (user.role));
  const { busy, error, faults, submit, attributes, forget } = useForm(`user ${id}`);
  const cancel = () => {
    forget();
    onDone();
  };
  const save = submit(async (text) => {
    const password = text('password');
    const body = {
      role: text('role'),
      enabled: text('enabled') === 'on',
      ...(role === 'researcher' && { grants: text('names') === 'on' ? ['names'] : [] }),
      ...(password !== '' && { password }),
    };
    await ask(`/users/${id}`, { method: 'PATCH', body });
    onDone();
    await act(() => Promise.resolve(`${username} is changed, and has to log in again.`));
  });
  const remove = () =>
    act(async () => {
      await ask(`/users/${id}`, { method: 'DELETE' });
      return `${username} is deleted.`;
    });
  return html`
    <form class="edit" ...${attributes} onSubmit=${save} aria-label=${username}>
      <${RoleField} role=${role} onRole=${setRole} />
      <${PasswordField}
        label="New password, if it is to change"
        faults=${faults}
        required=${false}
        autocomplete="new-password"
      />
      <label class="check"><input type="checkbox" name="enabled" defaultChecked=${enabled} /><span>May log in</span></label>
      ${
        role === 'researcher' &&
        html`<label class="check">
          <input type="checkbox" name="names" defaultChecked=${grants.includes('names')} />
          <span>Sees the names of drivers</span>
        </label>`
      }
      <${FormError} error=${error} />
      <div class="do wide">
        <button class="button primary" disabled=${busy}>Save</button>
        <button class="button" type="button" onClick=${cancel}>Cancel</button>
        <${AskingButton} label="Delete" question="Delete the account ${username}?" yes="Delete" act=${remove} />
      </div>
    </form>
  `;
}

/** @param {{ act: Act }} props */
function NewUser({ act }) {
  const [role, setRole] = useState('viewer');
  const { busy, error, faults, submit, attributes } = useForm('new user');
  const create = submit(async (text, form) => {
    const username = text('username').trim();
    const body = { username, password: text('password'), role: text('role') };
    await ask('/users', { method: 'POST', body });
    form.reset();
    setRole('viewer');
    await act(() => Promise.resolve(`${username} can log in now.`));
  });
  return html`
    <section class="card summary" aria-labelledby="new-user-title">
      <h3 id="new-user-title">New account</h3>
      <form
        class="edit"
        ...${attributes}
        onSubmit=${create}
        aria-labelledby="new-user-title"
        autocomplete="off"
      >
        <${NameField} faults=${faults} />
        <${RoleField} role=${role} onRole=${setRole} />
        <${PasswordField} faults=${faults} autocomplete="new-password" />
        <${FormError} error=${error} />
        <div class="do wide"><button class="button primary" disabled=${busy}>Create</button></div>
      </form>
    </section>
  `;
}

/** @param {{ driving: boolean }} props */
function Invites({ driving }) {
  /** @type {import('./answers.js').Answer<{ items: readonly Invite[] }>} */
  const { answer, error, again } = useAnswer('/invites');
  const { said, act } = useAct(again);
  const { busy, error: refused, faults, submit, attributes } = useForm('new invite');
  const [made, setMade] = useState(/** @type {{ code: string } | undefined} */ (undefined));
  const create = submit(async (text, form) => {
    const note = text('note').trim();
    setMade(await ask('/invites', { method: 'POST', body: note === '' ? {} : { note } }));
    form.reset();
    again();
  });
  /** @param {Invite} invite */
  const remove = ({ id }) =>
    act(async () => {
      await ask(`/invites/${id}`, { method: 'DELETE' });
      setMade(undefined);
      return 'The invite is taken back.';
    });
  return html`
    <section class="card summary" aria-labelledby="invites-title">
      <h3 id="invites-title">Invites</h3>
      <p class="hint">With an invite somebody makes a student's account for themselves, once, within a week.</p>
      <${Said} said=${said} error=${error} waits=${!answer} />
      ${made && html`<${NewInvite} key=${made.code} code=${made.code} />`}
      <ul class="rows">
        ${answer?.items.map(
          (invite) => html`
            <li key=${invite.id}>
              <span class="what">
                ${invite.note || 'Without a note'}
                <small>Good for ${leftText(invite.leftS)} more</small>
              </span>
              <button
                class="button"
                type="button"
                aria-label="Take back the invite ${invite.note || invite.id}"
                onClick=${() => remove(invite)}
              >
                Take back
              </button>
            </li>
          `,
        )}
      </ul>
      ${
        !driving &&
        html`<form class="edit" ...${attributes} onSubmit=${create} aria-label="New invite">
          <label>
            For whom, to tell them apart
            <input
              name="note"
              maxlength=${NOTE_CHARS_MAX}
              autocomplete="off"
              aria-invalid=${faults.has('note')}
            />
          </label>
          <${Fault} faults=${faults} name="note" />
          <${FormError} error=${refused} />
          <div class="do wide"><button class="button" disabled=${busy}>New invite</button></div>
        </form>`
      }
    </section>
  `;
}

/** It is told once. @param {{ code: string }} props */
function NewInvite({ code }) {
  const link = `${location.origin}/#invite/${code}`;
  return html`
    <div class="made">
      <${CopyField} label="Code" text=${code} />
      <${CopyField} label="Link" text=${link} />
      <p class="caution">It is shown only now.</p>
    </div>
  `;
}
