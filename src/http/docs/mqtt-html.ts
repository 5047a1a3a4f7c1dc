/** The broker on the page: its topics as tables, its commands with an example each. */
import type { AsyncApi, Channel, Message, Operation } from './asyncapi.ts';
import { shape } from './html-shapes.ts';
import { html, type Markup, NOTHING } from './markup.ts';
import { MQTT_OVERVIEW } from './mqtt-channels.ts';
import { only } from './schema.ts';

const PREFIX = 'mqtt.';

/** One topic, with what is sent there. */
interface Topic {
  readonly name: string;
  readonly channel: Channel;
  readonly message: Message | undefined;
  /** Undefined for what answers a request. */
  readonly operation: Operation | undefined;
}

/** Nothing where the document has no broker. */
export function mqttSection(live: AsyncApi): Markup {
  const all = topicsOf(live);
  if (all.length === 0) return NOTHING;
  const asked = all.filter(({ operation }) => operation?.reply !== undefined);
  const answers = new Set(asked.map(({ name }) => name.replace('.request.', '.response.')));
  const others = all.filter((topic) => !asked.includes(topic) && !answers.has(topic.name));
  const [pushed, told] = [others.filter(isReceived), others.filter((one) => !isReceived(one))];
  return html`<section aria-labelledby="mqtt">
<h2 id="mqtt">mqtt</h2>
<p>${MQTT_OVERVIEW}</p>
<pre><code>mosquitto_sub -h vigil.local -u maria -P "$PASSWORD" -t 'car/vigil/signal/#' -v</code></pre>
${topicTable('What the gateway tells', told)}
${topicTable('What clients push', pushed)}
${[...told, ...pushed].map(example)}
${asked.map((topic) => command(topic, all))}
</section>`;
}

function topicsOf({ channels, operations, components }: AsyncApi): Topic[] {
  return Object.entries(channels).flatMap(([name, channel]) => {
    if (!name.startsWith(PREFIX)) return [];
    const [message, operation] = [components.messages[name], operations[name]];
    return [{ name, channel, message, operation }];
  });
}

function isReceived({ operation }: Topic): boolean {
  return operation?.action === 'receive';
}

function topicTable(caption: string, topics: readonly Topic[]): Markup {
  const rows = topics.map(({ channel, operation }) => {
    const { qos, retain } = bindingOf(operation);
    const how = `QoS ${qos}${retain ? ', retained' : ''}`;
    return html`<tr><th scope="row"><code>${channel.address}</code></th><td>${how}. ${channel.description}</td></tr>`;
  });
  return html`<table>
<caption>${caption}</caption>
<thead><tr><th scope="col">Topic</th><th scope="col">What it is</th></tr></thead>
<tbody>${rows}</tbody>
</table>`;
}

function bindingOf(operation: Operation | undefined): { qos: unknown; retain: unknown } {
  const mqtt = Object(Reflect.get(Object(operation?.bindings), 'mqtt'));
  return { qos: Reflect.get(mqtt, 'qos'), retain: Reflect.get(mqtt, 'retain') };
}

/** One that says something that the table does not. */
function example({ channel, message }: Topic): Markup {
  const { payload = {}, examples = [] } = message ?? {};
  if (!only(payload).properties) return NOTHING;
  return html`<details><summary><code>${channel.address}</code></summary>
${shape(payload, `Fields of ${channel.address}`)}
<pre><code>${JSON.stringify(examples[0]?.payload)}</code></pre></details>`;
}

function command(topic: Topic, all: readonly Topic[]): Markup {
  const { name, channel, message } = topic;
  const reply = all.find((one) => one.name === name.replace('.request.', '.response.'));
  const { payload = {}, examples = [] } = message ?? {};
  return html`<article class="op" id="${name.replaceAll('.', '-')}">
<h3><span class="method">MQTT</span> <code>${channel.address}</code></h3>
<p>${channel.description}</p>
${shape(payload, 'Request')}
<pre><code>${JSON.stringify(examples[0]?.payload)}</code></pre>
<details><summary>Answer on <code>${reply?.channel.address ?? ''}</code></summary>
<pre><code>${JSON.stringify(reply?.message?.examples[0]?.payload)}</code></pre></details>
</article>`;
}
