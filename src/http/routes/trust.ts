/**
 * How a person makes their phone or computer trust this gateway: the certificate of its authority, in the
 * form that each system takes, and a page in plain words. All of it is public, and there before anybody
 * has an account: over the air it proves nothing, which is why the page has the fingerprint compared.
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { hostNameOf } from '../guard.ts';
import { Problem } from '../problem.ts';
import { Content, route } from '../route.ts';

/** The authority behind the gateway's certificate. */
interface Authority {
  /** In DER. */
  readonly authority: Uint8Array;
  /** SHA-256: `AB:CD:...`. */
  readonly fingerprint: string;
}

interface Vouched {
  readonly title: string;
  readonly current: Authority | undefined;
}

export interface TrustDeps {
  /** Undefined where no page is served over TLS. */
  readonly tls?: { readonly certificates: Vouched; readonly port: number } | undefined;
  /** Where nothing but the MQTT broker is served over TLS: programs take the authority's file. */
  readonly certificates?: Vouched | undefined;
}

const shared = {
  ...({ method: 'GET', atRoot: true, access: 'open', query: undefined, body: undefined } as const),
  reply: v.instance(Content),
};

export const readTrustPage = route({
  ...shared,
  path: '/trust',
  summary: 'A page that says how to trust this gateway, with the fingerprint to compare.',
  produces: ['text/html'],
  problems: [404],
  handle: (deps: TrustDeps, { headers }) => {
    const { title, fingerprint } = authorityOf({ tls: deps.tls });
    const address = secureAddress(headers.get('host') ?? '', deps.tls?.port ?? 0);
    const body = Buffer.from(page(title, fingerprint, address));
    return new Content({ 'content-type': 'text/html; charset=utf-8' }, body);
  },
});

export const readAuthority = route({
  ...shared,
  path: '/trust/ca.crt',
  summary: "The certificate of this gateway's own authority, for Android and computers.",
  produces: ['application/x-x509-ca-cert'],
  tells: { 'Content-Disposition': [200] },
  problems: [404],
  handle: (deps: TrustDeps) => {
    const { title, authority } = authorityOf(deps);
    return file(`${title}.crt`, 'application/x-x509-ca-cert', authority);
  },
});

export const readAuthorityPem = route({
  ...shared,
  path: '/trust/ca.pem',
  summary: 'The same as text, RFC 7468, for programs such as curl.',
  produces: ['application/x-pem-file'],
  tells: { 'Content-Disposition': [200] },
  problems: [404],
  handle: (deps: TrustDeps) => {
    const { title, authority } = authorityOf(deps);
    const text = `-----BEGIN CERTIFICATE-----\n${base64Lines(authority)}\n-----END CERTIFICATE-----\n`;
    return file(`${title}.pem`, 'application/x-pem-file', Buffer.from(text));
  },
});

export const readProfile = route({
  ...shared,
  path: '/trust/ca.mobileconfig',
  summary: 'The same as a configuration profile, for iPhone and iPad.',
  produces: ['application/x-apple-aspen-config'],
  tells: { 'Content-Disposition': [200] },
  problems: [404],
  handle: (deps: TrustDeps) => {
    const { title, authority } = authorityOf(deps);
    const type = 'application/x-apple-aspen-config';
    return file(`${title}.mobileconfig`, type, Buffer.from(profile(title, authority)));
  },
});

function authorityOf({ tls, certificates }: TrustDeps): Authority & { readonly title: string } {
  const vouched = tls?.certificates ?? certificates;
  if (vouched?.current) return { ...vouched.current, title: vouched.title };
  throw new Problem(404, 'This gateway is not served over TLS; the setting https does that.');
}

/** As this client calls the gateway, over TLS. A Host that got so far has nothing that HTML would read. */
function secureAddress(host: string, port: number): string {
  const name = hostNameOf(host);
  const bracketed = name.includes(':') ? `[${name}]` : name;
  return `https://${bracketed}${port === 443 ? '' : `:${port}`}/`;
}

function file(name: string, type: string, body: Uint8Array): Content {
  const disposition = `attachment; filename="${name}"`;
  return new Content({ 'content-type': type, 'content-disposition': disposition }, body);
}

/** Without a script or a style of its own, so that it needs no exception from the content policy. */
function page(title: string, fingerprint: string, address: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Trust ${title}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
<link rel="stylesheet" href="/docs.css">
<body class="docs">
<header class="top">
<h1>Trust ${title}</h1>
</header>
<main class="text">
<p>This gateway proves who it is with a certificate of its own making. Your browser does not know it
yet, and so it warns. Install the certificate once on this phone or computer, and the page opens
without a warning, can stay on screen while you drive, and nobody on the network can read along.</p>
<p>It is served so at <a href="${address}">${address}</a>.</p>
<h2>First compare</h2>
<p>What you install must be from this gateway and nobody else. Its fingerprint (SHA-256) is</p>
<p><code>${fingerprint.replaceAll(':', ' ')}</code></p>
<p>Compare it with the one that your system shows, and with the one in the gateway's log, or on this
page when it is opened on the gateway itself. If they differ, stop.</p>
<h2>Android</h2>
<ol>
<li>Download <a href="/trust/ca.crt">the certificate</a>.</li>
<li>Settings, search for "CA certificate", Install anyway, and choose the file.</li>
</ol>
<h2>iPhone and iPad</h2>
<ol>
<li>Download <a href="/trust/ca.mobileconfig">the profile</a> in Safari, and allow it.</li>
<li>Settings, Profile Downloaded, Install.</li>
<li>Settings, General, About, Certificate Trust Settings: switch on ${title}.</li>
</ol>
<h2>Windows, macOS and Linux</h2>
<p>Download <a href="/trust/ca.crt">the certificate</a>, open it, and put it among the trusted root
certificates. Firefox has a list of its own: Settings, Certificates, Authorities, Import.</p>
<h2>Programs</h2>
<p>They take <a href="/trust/ca.pem">the same as PEM</a>, as in
<code>curl --cacert ca.pem ${address}</code>.</p>
<h2>What you allow by it</h2>
<p>The certificate can vouch for the names and addresses of this gateway only, and for no other page.
To take it back, remove it where you installed it.</p>
</main>
</body>
</html>
`;
}

/** A profile as of Apple's Configuration Profile Reference, with one payload: com.apple.security.root. */
function profile(title: string, authority: Uint8Array): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>vigil.${title}</string>
<key>PayloadUUID</key><string>${uuidOf(authority, 'profile')}</string>
<key>PayloadDisplayName</key><string>Vigil ${title}</string>
<key>PayloadDescription</key><string>Trusts the gateway ${title}, and nothing else.</string>
<key>PayloadContent</key>
<array>
<dict>
<key>PayloadType</key><string>com.apple.security.root</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>vigil.${title}.authority</string>
<key>PayloadUUID</key><string>${uuidOf(authority, 'authority')}</string>
<key>PayloadDisplayName</key><string>Vigil ${title} authority</string>
<key>PayloadCertificateFileName</key><string>${title}.crt</string>
<key>PayloadContent</key>
<data>
${base64Lines(authority)}
</data>
</dict>
</array>
</dict>
</plist>
`;
}

function base64Lines(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64');
  return (text.match(/.{1,64}/g) ?? []).join('\n');
}

/** The same for the same certificate, so that a second download replaces the first: RFC 9562 clause 5.8. */
function uuidOf(authority: Uint8Array, what: string): string {
  const hash = createHash('sha256').update(what).update(authority).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex').toUpperCase();
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts
    .slice(1)
    .map((end, i) => hex.slice(cuts[i], end))
    .join('-');
}
