/**
 * The gateway's own certificates: an authority that is made once and belongs to this gateway alone, and
 * the certificate that it vouches for, which is made anew when it is due.
 *
 *   DIR/ca.pem       permits: NAME...   then the authority's key and certificate
 *   DIR/server.pem   names: NAME...     then the server's key, certificate
 *
 * Each is one PEM file (RFC 7468, whose clause 2 allows the line at its head) with a copy beside it, so
 * that a power cut leaves the old or the new, never a key without its certificate. Nobody else may read
 * them. Whoever trusts the authority trusts it for the names in `permits` and no others, RFC 5280 clause
 * 4.2.1.10: with a stolen key nobody can pose as anything but this gateway.
 *
 * Keys are on P-256 and made of the kernel's randomness. The clock may be wrong by years, mostly behind:
 * nothing is dated before the build, and everything is dated back, so that neither end has to be right.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { BUILD_MS_MIN } from './clock.ts';
import { networkMask, withinNetworks } from './network.ts';
import { openssl } from './openssl.ts';
import { type WholeFile, wholeFile } from './whole-file.ts';

const DAY_MS = 86_400_000;
/** Of the authority: longer than the computer lives. */
const AUTHORITY_DAYS = 20 * 365;
/** Browsers refuse more than 398, CA/Browser Forum Baseline Requirements clause 6.3.2. */
const SERVER_DAYS = 397;
/** So far the clocks of clients may be behind ours. */
const BACKDATED_DAYS = 30;
/** With less left it is made anew. */
const RENEW_DAYS = 30;
/** In one certificate; what comes behind is left out. */
const NAMES_MAX = 64;
/** Of a common name, RFC 5280 appendix A.1. */
const COMMON_NAME_CHARS_MAX = 64;

/** What the certificate is for. */
export interface Wanted {
  /** Names and addresses that browsers find the gateway by. */
  readonly names: readonly string[];
  /** Networks whose addresses it may have later: `10.42.0.0/24`. */
  readonly networks: readonly string[];
}

export interface CertificateOptions {
  /** Made where it is missing. */
  readonly directory: string;
  /** What people read when they are asked to trust the authority. */
  readonly title: string;
  /** Asked at every renewal, as addresses come and go. */
  wanted(): Wanted;
  /** The wall clock, which may be wrong. */
  nowMs(): number;
  /** The program, where it is not to be looked for. */
  readonly program?: string;
}

export interface Certificate {
  /** Key and certificate in PEM. */
  readonly file: string;
  /** Another one with every renewal. */
  readonly id: string;
  /** Its certificate in DER. */
  readonly authority: Buffer;
  /** SHA-256 of the authority's certificate: `AB:CD:...`. */
  readonly fingerprint: string;
  readonly notAfterMs: number;
  /** What of `names` the authority may not vouch for, as it was made before they were known. */
  readonly leftOut: readonly string[];
}

/** A key with its certificate, and the names at the head of the file. */
interface Pair {
  readonly names: readonly string[];
  readonly certificate: X509Certificate;
  readonly text: string;
}

/** The certificate in use, and its authority. */
export class Certificates {
  /** Undefined until it has been made. */
  current: Certificate | undefined;
  readonly #options: CertificateOptions;
  #renewing: Promise<Certificate> | undefined;

  constructor(options: CertificateOptions) {
    this.#options = options;
  }

  get title(): string {
    return this.#options.title;
  }

  /**
   * Makes what is missing, damaged or due. Who asks meanwhile gets the same: HTTP and the broker both look
   * after theirs, and two that make an authority at once would each have another.
   *
   * @throws ConfigError without openssl; OpensslError, and errors of the system as they come
   */
  renew(): Promise<Certificate> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<Certificate> {
    this.current = await renew(this.#options);
    return this.current;
  }
}

async function renew(options: CertificateOptions): Promise<Certificate> {
  const { directory } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authorityFile = wholeFile(path.join(directory, 'ca.pem'));
  const serverFile = wholeFile(path.join(directory, 'server.pem'));
  const wanted = options.wanted();
  const oldAuthority = await readPair(authorityFile);
  const authority = oldAuthority ?? (await makeAuthority(options, wanted, authorityFile));
  const names = [...new Set(wanted.names)].slice(0, NAMES_MAX);
  const permitted = names.filter(permits(authority.names));
  const oldServer = await readPair(serverFile);
  const due = oldServer === undefined || isDue(oldServer, authority, permitted, options.nowMs());
  const server = due ? await makeServer(options, authority, permitted, serverFile) : oldServer;
  return {
    file: path.join(directory, 'server.pem'),
    id: server.certificate.fingerprint256,
    authority: authority.certificate.raw,
    fingerprint: authority.certificate.fingerprint256,
    notAfterMs: Date.parse(server.certificate.validTo),
    leftOut: names.filter((name) => !permitted.includes(name)),
  };
}

/** Whole and belonging together, or undefined: then it is made anew. */
async function readPair(file: WholeFile): Promise<Pair | undefined> {
  const pairs = (await file.read()).map(parsePair);
  return pairs.find((pair) => pair !== undefined);
}

function parsePair(text: string): Pair | undefined {
  const names = /^(?:permits|names): (.+)\n/.exec(text)?.[1]?.split(' ');
  if (names === undefined) return undefined;
  try {
    const certificate = new X509Certificate(text.slice(text.indexOf('-----BEGIN CERTIFICATE')));
    const pair = { names, certificate, text };
    return certificate.checkPrivateKey(createPrivateKey(text)) ? pair : undefined;
  } catch {
    return undefined; // Whatever is wrong with it, it is of no use.
  }
}

function isDue(server: Pair, authority: Pair, names: readonly string[], nowMs: number): boolean {
  const { certificate } = server;
  // One that is gone, as the address of a network that was left, does no harm and may come back.
  if (names.some((name) => !server.names.includes(name))) return true;
  if (!certificate.verify(authority.certificate.publicKey)) return true;
  if (nowMs < BUILD_MS_MIN || nowMs > lastMs(authority)) return false; // The clock knows nothing.
  const fromNowMs = Date.parse(certificate.validTo) - nowMs;
  return Date.parse(certificate.validFrom) > nowMs || fromNowMs < RENEW_DAYS * DAY_MS;
}

/** When it can vouch for the whole of a certificate for the last time. */
function lastMs({ certificate }: Pair): number {
  return Date.parse(certificate.validTo) - SERVER_DAYS * DAY_MS;
}

/** Whether an authority may vouch for a name or an address. */
function permits(names: readonly string[]): (name: string) => boolean {
  const within = withinNetworks(names.filter((name) => isIP(addressOf(name)) !== 0));
  return (name) =>
    isIP(name) !== 0 ? within(name) : names.some((one) => name === one || name.endsWith(`.${one}`));
}

async function makeAuthority(
  options: CertificateOptions,
  { names, networks }: Wanted,
  file: WholeFile,
): Promise<Pair> {
  const permitted = [...new Set([...names, ...networks])].slice(0, NAMES_MAX);
  const extensions = [
    'basicConstraints = critical, CA:TRUE, pathlen:0',
    'keyUsage = critical, keyCertSign, cRLSign',
    'subjectKeyIdentifier = hash',
    `nameConstraints = critical, ${permitted.map(constraint).join(', ')}`,
  ];
  const dates = { fromMs: BUILD_MS_MIN, toMs: BUILD_MS_MIN + AUTHORITY_DAYS * DAY_MS };
  return await issue(options, { extensions, ...dates, names: permitted, file });
}

async function makeServer(
  options: CertificateOptions,
  authority: Pair,
  names: readonly string[],
  file: WholeFile,
): Promise<Pair> {
  const extensions = [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'extendedKeyUsage = serverAuth',
    'subjectKeyIdentifier = hash',
    'authorityKeyIdentifier = keyid',
    `subjectAltName = ${names.map((name) => `${isIP(name) ? 'IP' : 'DNS'}:${name}`).join(', ')}`,
  ];
  const sinceMs = Math.max(BUILD_MS_MIN, options.nowMs() - BACKDATED_DAYS * DAY_MS);
  const fromMs = Math.min(sinceMs, lastMs(authority));
  const dates = { fromMs, toMs: fromMs + SERVER_DAYS * DAY_MS };
  return await issue(options, { extensions, ...dates, names, file, authority });
}

interface Order {
  readonly extensions: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  /** At the head of the file. */
  readonly names: readonly string[];
  readonly file: WholeFile;
  /** Who signs; the certificate itself where there is none. */
  readonly authority?: Pair;
}

/** Makes a key and has a certificate signed for it, in a folder of its own that does not stay. */
async function issue(options: CertificateOptions, order: Order): Promise<Pair> {
  const { authority, names } = order;
  const work = path.join(options.directory, 'work');
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { mode: 0o700 });
  try {
    const write = (name: string, text: string): Promise<void> =>
      writeFile(path.join(work, name), text, { mode: 0o600 });
    await write('openssl.cnf', configOf(order.extensions));
    await write('index', '');
    if (authority) await write('ca.pem', authority.text);
    const run = (...args: readonly string[]) => openssl(work, args, options.program);
    await run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'key');
    const kind = authority ? '' : ' authority';
    const subject = `/CN=${`Vigil ${options.title}${kind}`.slice(0, COMMON_NAME_CHARS_MAX)}`;
    await run(
      'req',
      '-new',
      '-config',
      'openssl.cnf',
      '-key',
      'key',
      '-subj',
      subject,
      '-out',
      'csr',
    );
    const signer = authority
      ? ['-cert', 'ca.pem', '-keyfile', 'ca.pem']
      : ['-selfsign', '-keyfile', 'key'];
    const dates = ['-startdate', asn1Time(order.fromMs), '-enddate', asn1Time(order.toMs)];
    await run(
      ...['ca', '-batch', '-notext', '-config', 'openssl.cnf', '-extensions', 'wanted'],
      ...[...signer, ...dates, '-in', 'csr', '-out', 'crt'],
    );
    const [key, crt] = await Promise.all(
      ['key', 'crt'].map((name) => readFile(path.join(work, name), 'latin1')),
    );
    const text = `${authority ? 'names' : 'permits'}: ${names.join(' ')}\n${key}${crt}`;
    const pair = parsePair(text);
    if (pair === undefined) throw new TypeError('openssl made a certificate that cannot be read');
    await order.file.write(text);
    return pair;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** See ca(1ssl). Only that command can choose both dates in every version since 1.0. */
function configOf(extensions: readonly string[]): string {
  return `[ca]
default_ca = vigil
[vigil]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[req]
distinguished_name = any
[wanted]
${extensions.join('\n')}
`;
}

/** `permitted;IP:10.42.0.0/255.255.255.0` or `permitted;DNS:vigil.local`, as x509v3_config(5ssl) has it. */
function constraint(name: string): string {
  if (isIP(addressOf(name)) === 0) return `permitted;DNS:${name}`;
  return `permitted;IP:${networkMask(name).join('/')}`;
}

/** Of a network, without how many of its bits count. */
function addressOf(network: string): string {
  return network.split('/')[0] ?? '';
}

/** A GeneralizedTime of RFC 5280 clause 4.1.2.5.2: `20261101000000Z`. */
function asn1Time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '');
}
