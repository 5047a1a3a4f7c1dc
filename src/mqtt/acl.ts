import type { Role, Scope, User } from '#core/account.ts';
import { type Permission, scopeOf } from '../accounts/roles.ts';
import type { Guest } from './doorman.ts';
import { covers, GROUPS, type Group, overlaps, type Parsed, Topics } from './topics.ts';

/**
 * Who may do what with which topic. What a role may is in accounts/roles.ts; here is only which
 * permission a topic asks for.
 *
 * - Who sees everything may subscribe to anything that may bring them something, `#` included, and gets
 *   what of it is for them.
 * - A student sees what is measured while a session of their own is open. They subscribe within one group:
 *   `car/<d>/signal/#` and not `#` or `car/#`, so that whoever tries everything is told at once that it is
 *   not all theirs. Of values they get no retained ones, which may be of before their session: the next
 *   comes within a minute.
 * - Whoever may do anything that can be asked may ask: what of it is theirs the command knows, and it
 *   answers a refusal, where the end of the connection would tell nobody why. So may who may send, also
 *   while no session is open.
 * - Answers are handed to who asked (Broker.answer). Nobody publishes under `response/`, the gateway
 *   included, so that who subscribes there gets their own.
 * - A device with a certificate of ours is furniture of the car: it has no session of its own to send
 *   into, nobody who answers for a command, and reads what a viewer reads.
 * - Under what the gateway tells, only the gateway publishes.
 */
export interface Acl {
  /** Whether a SUBSCRIBE is granted. What comes of it is decided message by message. */
  maySubscribe(guest: Guest, filter: string): boolean;
  /** @param retained the message is one that was kept, not one that comes now */
  mayReceive(guest: Guest, topic: string, retained?: boolean): boolean;
  mayPublish(guest: Guest, topic: string): boolean;
}

export interface AclOptions {
  /** Matches `[a-z0-9_-]{1,23}`. */
  readonly device: string;
  /** Owners of the sessions that are open at this moment. */
  readonly openSessions: () => readonly { readonly owner: string | null }[];
  /** Whether somebody is not shown a stream: http/privacy.ts knows. */
  readonly hidesStream: (user: User, id: string) => boolean;
  /** Whether a rule of alerts watches such a stream; asked for names that are no rule's too. */
  readonly hidesRule: (user: User, rule: string) => boolean;
  /** What can be asked under `request/`. */
  readonly commands: readonly { readonly permission: Permission }[];
}

interface Demand {
  readonly permission: Permission;
  /** Whether an account that has only its own may have it while a session of its own is open. */
  readonly own: 'always' | 'session' | 'never';
}

/** What the gateway tells, and a client may read. */
type Told = Exclude<Group, 'ingest' | 'request' | 'response'>;

// biome-ignore format: a table
const RECEIVE: Readonly<Record<Told, Demand>> = {
  /** Says nothing of anybody, and is how a client knows that the gateway is there. */
  state:    { permission: 'see',     own: 'always' },
  info:     { permission: 'see',     own: 'always' },
  avail:    { permission: 'see',     own: 'session' },
  signal:   { permission: 'see',     own: 'session' },
  vss:      { permission: 'see',     own: 'session' },
  stream:   { permission: 'see',     own: 'session' },
  event:    { permission: 'see',     own: 'session' },
  alert:    { permission: 'alerts',  own: 'session' },
  /** As much of `GET /health` as only those see who see everything. */
  stats:    { permission: 'see',     own: 'never' },
};

/** Groups whose retained messages may be of long before; those of the others say what is now. */
const MEASURED: readonly Group[] = ['signal', 'vss'];
/** Where a car is, in VSS 6. */
const VSS_POSITION = 'Vehicle/CurrentLocation';
/** The stream that this stands for, for who decides by streams. */
const POSITION_STREAM = 'gps';
const DISCOVERY = 'homeassistant/#';
const BROKER = '$SYS/#';
/** As what a device reads. */
const DEVICE_ROLE: Role = 'viewer';

type Who = User | 'device';

export function createAcl(options: AclOptions): Acl {
  return new TopicAcl(options);
}

class TopicAcl implements Acl {
  readonly #options: AclOptions;
  readonly #topics: Topics;

  constructor(options: AclOptions) {
    this.#options = options;
    this.#topics = new Topics(options.device);
  }

  maySubscribe(guest: Guest, filter: string): boolean {
    const who = guest.current();
    if (who === undefined) return false;
    // What has only its own may ask for what lies within a group, whoever sees all for what reaches one.
    const fits = scope(who, 'see') === 'all' ? overlaps : covers;
    return this.#readable(who).some((one) => fits(one, filter));
  }

  mayReceive(guest: Guest, topic: string, retained = false): boolean {
    const who = guest.current();
    if (who === undefined) return false;
    if (covers(DISCOVERY, topic)) return scope(who, 'see') === 'all';
    if (covers(BROKER, topic)) return mayService(who);
    const parsed = this.#topics.parse(topic);
    if (parsed === undefined) return false;
    const { group } = parsed;
    if (group === 'response') return this.#mayBeAnswered(who);
    if (!isTold(group) || !this.#meets(who, RECEIVE[group])) return false;
    if (retained && MEASURED.includes(group) && scope(who, 'see') !== 'all') return false;
    return who === 'device' || !this.#isHidden(who, topic, parsed);
  }

  mayPublish(guest: Guest, topic: string): boolean {
    const who = guest.current();
    if (who === undefined) return false;
    const group = this.#topics.parse(topic)?.group;
    if (group === 'request') return this.#mayAsk(who);
    return group === 'ingest' && maySend(who);
  }

  /** Filters of everything that may ever be for somebody. */
  #readable(who: Who): string[] {
    const groups = GROUPS.filter((group) => isTold(group) && mayEver(who, RECEIVE[group]));
    const filters = groups.map((group) => this.#topics.all(group));
    if (this.#mayBeAnswered(who)) filters.push(this.#topics.all('response'));
    if (scope(who, 'see') === 'all') filters.push(DISCOVERY);
    if (mayService(who)) filters.push(BROKER);
    return filters;
  }

  #meets(who: Who, demand: Demand): boolean {
    if (!mayEver(who, demand)) return false;
    if (demand.own !== 'session' || scope(who, demand.permission) === 'all') return true;
    const sessions = this.#options.openSessions();
    return who !== 'device' && sessions.some(({ owner }) => owner === who.id);
  }

  #mayAsk(who: Who): boolean {
    const { commands } = this.#options;
    if (who === 'device') return false;
    return commands.some(({ permission }) => scope(who, permission) !== 'none');
  }

  #mayBeAnswered(who: Who): boolean {
    return this.#mayAsk(who) || maySend(who);
  }

  #isHidden(user: User, topic: string, { group, rest }: Parsed): boolean {
    const { hidesStream, hidesRule } = this.#options;
    switch (group) {
      case 'signal':
      case 'stream':
        return hidesStream(user, this.#topics.streamOf(topic) ?? '');
      case 'vss':
        return isPosition(rest) && hidesStream(user, POSITION_STREAM);
      case 'alert':
      case 'event':
        return hidesRule(user, rest.at(-1) ?? '');
      default:
        return false;
    }
  }
}

function isPosition(levels: readonly string[]): boolean {
  return `${levels.join('/')}/`.startsWith(`${VSS_POSITION}/`);
}

function isTold(group: Group): group is Told {
  return group in RECEIVE;
}

function maySend(who: Who): boolean {
  return who !== 'device' && scope(who, 'send') !== 'none';
}

function mayEver(who: Who, demand: Demand): boolean {
  const found = scope(who, demand.permission);
  return found === 'all' || (found === 'own' && demand.own !== 'never');
}

/** Whoever answers for what happens at the car. A device answers for nothing. */
function mayService(who: Who): boolean {
  return scope(who, 'service') === 'all';
}

function scope(who: Who, permission: Permission): Scope {
  return scopeOf(who === 'device' ? DEVICE_ROLE : who.role, permission);
}
