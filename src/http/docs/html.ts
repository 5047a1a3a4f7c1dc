/** The documents as one page to read, without a script: what the gateway serves, and nothing more. */
import type { AsyncApi, Channel, Message } from './asyncapi.ts';
import { kind, namedShapes, shape } from './html-shapes.ts';
import { LIMIT_TABLE } from './limit-table.ts';
import { html, type Markup, NOTHING } from './markup.ts';
import { mqttSection } from './mqtt-html.ts';
import { type Media, type OpenApi, type Operation, SERVER } from './openapi.ts';
import { only } from './schema.ts';
import { CLOSE_CODES, SOCKET_OVERVIEW } from './words.ts';

export function page(rest: OpenApi, live: AsyncApi): string {
  const tags = rest.tags.map(({ name }) => name);
  const schemas = { ...live.components.schemas, ...rest.components.schemas };
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>Vigil: the API</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
<link rel="stylesheet" href="/docs.css">
</head>
<body class="docs">
<header class="top">
<h1>Vigil: the API</h1>
<p>The same for programs: <a href="openapi.json">OpenAPI</a> and <a href="asyncapi.json">AsyncAPI</a>. <a href="/">Dashboard</a></p>
</header>
<nav class="contents" aria-label="Contents">
<ul>${[...tags, 'websockets', ...(live.servers.mqtt ? ['mqtt'] : []), 'limits', 'shapes'].map((tag) => html`<li><a href="#${tag}">${tag}</a></li>`)}</ul>
</nav>
<main class="text">
${introduction()}
${rest.tags.map((tag) => area(tag, rest))}
${sockets(live)}
${mqttSection(live)}
${limitsTable()}
<section aria-labelledby="shapes">
<h2 id="shapes">shapes</h2>
${namedShapes(schemas)}
</section>
</main>
</body>
</html>
`.html;
}

function introduction(): Markup {
  return html`<section aria-labelledby="start">
<h2 id="start">start</h2>
<p>One list of routes, at <code>${SERVER}</code> and again at <code>/api</code>. Bodies are JSON in UTF-8; a name that is not known is refused. Errors are <code>application/problem+json</code> (RFC 9457) with a JSON pointer for each thing that is wrong.</p>
<p>Log in, and send the token with everything:</p>
<pre><code>VIGIL=http://127.0.0.1:8080
read -rs PASSWORD
TOKEN=$(curl -s $VIGIL${SERVER}/auth/token -d grant_type=password \\
  --data-urlencode username=maria --data-urlencode "password=$PASSWORD" | jq -r .access_token)
curl -H "Authorization: Bearer $TOKEN" $VIGIL${SERVER}/streams</code></pre>
</section>`;
}

function area({ name, description }: OpenApi['tags'][number], rest: OpenApi): Markup {
  const all = Object.entries(rest.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(name))
      .map(([method, one]) => operation(method.toUpperCase(), path, one)),
  );
  return html`<section aria-labelledby="${name}">
<h2 id="${name}">${name}</h2>
<p>${description}</p>
${all}
</section>`;
}

function operation(method: string, path: string, one: Operation): Markup {
  const { operationId, description, parameters = [], requestBody, responses } = one;
  return html`<article class="op" id="${operationId}">
<h3><span class="method">${method}</span> <code>${path}</code></h3>
<p>${description}</p>
${parameters.length > 0 ? parameterTable(parameters) : NOTHING}
${requestBody ? body('Body', requestBody.content) : NOTHING}
${Object.entries(responses).map(([status, { content }]) =>
  Number(status) < 400 && content ? body(`Reply ${status}`, content) : NOTHING,
)}
<p class="statuses">Statuses: ${Object.keys(responses).join(', ')}</p>
<pre><code>${curl(method, path, one)}</code></pre>
</article>`;
}

function parameterTable(parameters: NonNullable<Operation['parameters']>): Markup {
  const rows = parameters.map(({ name, in: where, required, schema, description }) => {
    const optional = required ? NOTHING : html` <span class="optional">may be left out</span>`;
    return html`<tr><th scope="row"><code>${name}</code>${optional}</th><td>${where}: ${kind(schema)}${description === undefined ? '' : `. ${description}`}</td></tr>`;
  });
  return html`<table>
<caption>Parameters</caption>
<thead><tr><th scope="col">Name</th><th scope="col">What it is</th></tr></thead>
<tbody>${rows}</tbody>
</table>`;
}

/** Of several media types the first is shown: the others say the same in another form. */
function body(caption: string, content: Media): Markup {
  const [first] = Object.entries(content);
  if (!first) return NOTHING;
  const [, { schema, example }] = first;
  const types = Object.keys(content).join(' or ');
  return html`${shape(schema, `${caption}, ${types}`)}
${example === undefined ? NOTHING : html`<details><summary>Example</summary><pre><code>${pretty(example)}</code></pre></details>`}`;
}

/** A line to try. Single quotes end a text of the shell, so that none may be in one. */
function curl(method: string, path: string, one: Operation): string {
  const { security, parameters = [], requestBody } = one;
  const filled = parameters
    .filter((parameter) => parameter.in === 'path')
    .reduce((text, { name, example }) => text.replace(`{${name}}`, String(example)), path);
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && parameter.required)
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`)
    .join('&');
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const quoted = JSON.stringify(media?.example ?? {}).replaceAll("'", "'\\''");
  return [
    'curl',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...(security.length > 0 ? ['-H "Authorization: Bearer $TOKEN"'] : []),
    ...parameters
      .filter((parameter) => parameter.in === 'header' && parameter.required)
      .map(({ name, example }) => `-H '${name}: ${example}'`),
    ...(type === 'application/json' ? [`--json '${quoted}'`] : []),
    ...(type === 'application/octet-stream'
      ? [`-H 'Content-Type: ${type}' --data-binary @file`]
      : []),
    `"$VIGIL${SERVER}${filled}${query && '?'}${query}"`,
  ].join(' ');
}

function sockets({ channels, components }: AsyncApi): Markup {
  const closings = Object.entries(CLOSE_CODES).map(
    ([code, why]) => html`<tr><th scope="row"><code>${code}</code></th><td>${why}</td></tr>`,
  );
  return html`<section aria-labelledby="websockets">
<h2 id="websockets">websockets</h2>
<p>${SOCKET_OVERVIEW}</p>
<table>
<caption>Close codes</caption>
<thead><tr><th scope="col">Code</th><th scope="col">Why</th></tr></thead>
<tbody>${closings}</tbody>
</table>
${Object.entries(channels).map(([name, one]) =>
  'ws' in one.bindings ? channel(name, one, components.messages) : NOTHING,
)}
</section>`;
}

function channel(name: string, one: Channel, messages: AsyncApi['components']['messages']): Markup {
  const of = (way: string) =>
    Object.keys(one.messages).flatMap((full) =>
      full.startsWith(`${name}.${way}.`) ? (messages[full] ?? []) : [],
    );
  return html`<article class="op" id="ws-${name}">
<h3><span class="method">WS</span> <code>${one.address}</code></h3>
<p>${one.description}</p>
<h4>What clients send</h4>
${of('in').map(message)}
<h4>What clients get</h4>
${of('out').map(message)}
</article>`;
}

function message({ name, summary, payload, examples }: Message): Markup {
  const text = JSON.stringify(examples[0]?.payload);
  return html`<p><code>${name}</code>: ${summary}</p>
${only(payload).properties ? shape(payload, `Fields of ${name}`) : NOTHING}
<pre><code>${text}</code></pre>`;
}

function limitsTable(): Markup {
  const rows = LIMIT_TABLE.map(
    ([what, most, then]) => html`<tr><th scope="row">${what}</th><td>${most}; ${then}</td></tr>`,
  );
  return html`<section aria-labelledby="limits">
<h2 id="limits">limits</h2>
<table>
<caption>What there may be at most, and what happens then</caption>
<thead><tr><th scope="col">Of what</th><th scope="col">At most</th></tr></thead>
<tbody>${rows}</tbody>
</table>
</section>`;
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
