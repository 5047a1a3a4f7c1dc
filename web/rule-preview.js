/** What a rule would have done in the last recording, while it is being written. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { tryRule } from './alerts-api.js';
import { SEVERITY } from './alerts-banner.js';
import { useAnswer } from './answers.js';
import { faultsOf, sentenceOf } from './api.js';
import { html } from './gauge.js';
import { Plot } from './plots.js';
import { faultsText } from './rule-faults.js';
import { durationText, positionText, startText } from './words.js';

/** Whoever is typing has paused, ms. */
const PAUSE_MS = 600;
const POINTS = 600;
/** The newest of so many recordings that is not empty. */
const SESSIONS = 5;
/** What fires more often is told by its number alone. */
const LISTED_MAX = 20;
/** An alert of a second in an hour is seen all the same, of 1,000. */
const BAR_MIN = 3;

/** @typedef {import('./alerts-api.js').Tried} Tried */
/** @typedef {import('./alerts-api.js').TriedRule} TriedRule */
/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').Stream} Stream */

/**
 * @typedef {object} PreviewProps
 * @property {{ stream?: unknown }} rule as it is written now
 * @property {string | undefined} against its id, to compare it with what is saved
 * @property {ReadonlyMap<string, Stream>} streams
 * @property {import('./rule-faults.js').Labels} labels
 * @property {readonly string[]} lacks pointers of what it has not yet, a name apart from which it cannot be tried
 */

/** @param {PreviewProps} props */
export function RulePreview({ rule, against, streams, labels, lacks }) {
  /** @type {import('./answers.js').Answer<import('./api.js').Page<Session>>} */
  const { answer: page } = useAnswer(`/sessions?limit=${SESSIONS}`);
  // One that goes on has no figures yet.
  const session = page?.items.find(({ stats }) => stats === null || stats.durationS > 0);
  const needed = lacks.filter((pointer) => pointer !== '/name').map((one) => labels.get(one));
  const { tried, error, faults, busy } = useTried(
    rule,
    against,
    needed.length > 0 ? undefined : session?.id,
  );
  if (page && !session) {
    return html`<section class="card summary"><p class="hint">
      There is no recording yet to try the rule on.
    </p></section>`;
  }
  const [now, saved] = tried?.rules ?? [];
  const durationS = tried?.durationS ?? 0;
  return html`
    <section class="card summary preview" aria-labelledby="preview-title" aria-busy=${busy}>
      <div class="head">
        <h3 id="preview-title">In the last recording</h3>
${session && html`<small>${startText(session)}${durationS > 0 && `, ${durationText(durationS)}`}</small>`}
      </div>
      <${Untried} needed=${needed} error=${faultsText(faults, labels) || error} />
      <p role="status">${now && countsText(now, saved)}</p>
      ${now && html`<${Line} name=${saved ? 'Now' : ''} rule=${now} durationS=${durationS} />`}
      ${saved && html`<${Line} name="Saved" rule=${saved} durationS=${durationS} />`}
      ${session && typeof rule.stream === 'string' && html`<${Course} session=${session} stream=${streams.get(rule.stream)} alerts=${now?.alerts ?? []} durationS=${durationS} />`}
      ${now && html`<${Firings} rule=${now} />`}
      ${tried?.notes.map((note) => html`<p class="hint">${note}</p>`)}
    </section>
  `;
}

/** Why there is nothing to see. @param {{ needed: readonly (string | undefined)[], error: string }} props */
function Untried({ needed, error }) {
  if (needed.length > 0) {
    return html`<p class="hint">It is tried as soon as it has: ${needed.join(', ')}.</p>`;
  }
  return (
    error !== '' && html`<p class="said" role="status" data-failed="true">Not tried: ${error}</p>`
  );
}

/**
 * How often it would have fired, and how that differs from what is saved.
 * @param {TriedRule} now
 * @param {TriedRule} [saved]
 */
export function countsText({ totals: now }, saved) {
  const was = saved?.totals.count;
  const times =
    now.count === 0 ? 'It would not have fired' : `It would have fired ${timesText(now.count)}`;
  const on = now.onS > 0 ? `, ${durationText(now.onS)} in all` : '';
  const than = was === now.count ? 'the same' : timesText(was ?? 0);
  return `${times}${on}.${was === undefined ? '' : ` As saved: ${than}.`}`;
}

/** @param {number} n */
function timesText(n) {
  return n === 0 ? 'not once' : n === 1 ? 'once' : `${n} times`;
}

/**
 * The answer for the rule as it was when somebody last paused.
 * @param {object} rule
 * @param {string | undefined} against
 * @param {number | undefined} session
 */
function useTried(rule, against, session) {
  const [state, setState] = useState({
    tried: /** @type {Tried | undefined} */ (undefined),
    error: '',
    faults: /** @type {readonly import('./api.js').Fault[]} */ ([]),
    busy: false,
  });
  const asked = JSON.stringify({ rule, ...(against && { against }) });
  useEffect(() => {
    if (session === undefined) {
      setState({ tried: undefined, error: '', faults: [], busy: false });
      return undefined;
    }
    const leaving = new AbortController();
    const put = async () => {
      setState((old) => ({ ...old, busy: true }));
      try {
        const tried = await tryRule({ ...JSON.parse(asked), sessions: [session] }, leaving.signal);
        setState({ tried, error: '', faults: [], busy: false });
      } catch (failure) {
        if (leaving.signal.aborted) return;
        const error = sentenceOf(failure);
        const faults = faultsOf(failure).map((one) => ({
          ...one,
          pointer: one.pointer.replace(/^\/rule(?=\/|$)/, ''),
        }));
        setState({ tried: undefined, error, faults, busy: false });
      }
    };
    const timer = setTimeout(() => void put(), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [asked, session]);
  return state;
}

/** When it fired, from the start of the recording to its end. */
function Line(
  /** @type {{ name: string, rule: TriedRule, durationS: number }} */ { name, rule, durationS },
) {
  const scale = 1000 / Math.max(1, durationS * 1e6);
  return html`
    <div class="line">
      <small>${name}</small>
      <svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label="${name} ${rule.totals.count} alerts">
        <rect class="rail" width="1000" height="10" />
        ${rule.alerts.map(({ startedAt, endedAt, severity }) => {
          const from = Math.max(0, startedAt) * scale;
          const width = Math.max(BAR_MIN, (endedAt === null ? 1000 : endedAt * scale) - from);
          return html`<rect data-severity=${severity} x=${from} width=${width} height="10" />`;
        })}
      </svg>
    </div>
  `;
}

/** @param {{ session: Session, stream: Stream | undefined, alerts: TriedRule['alerts'], durationS: number }} props */
function Course({ session, stream, alerts, durationS }) {
  const drawn = stream && (stream.kind === 'sample' || stream.kind === 'wave');
  const query = new URLSearchParams({ streams: stream?.id ?? '', points: String(POINTS) });
  /** @type {import('./answers.js').Answer<{ streams: Record<string, import('./api.js').ReducedSeries> }>} */
  const { answer } = useAnswer(drawn ? `/sessions/${session.id}/data?${query}` : undefined);
  const marks = useMemo(() => alerts.map(({ startedAt }) => startedAt), [alerts]);
  const series = stream && answer?.streams[stream.id];
  if (!series || !drawn) return null;
  // One that goes on has grown since the rule was tried on it.
  const whole = durationS > 0 ? durationS * 1e6 : (series.t.at(-1) ?? 0);
  return html`
    <${Plot}
      key=${stream.id}
      id=${stream.id}
      stream=${stream}
      series=${series}
      part=${{ from: 0, to: whole }}
      marks=${marks}
      onShow=${() => {}}
    />
  `;
}

/** Each time in words, as the line is not for everybody. */
function Firings(/** @type {{ rule: TriedRule }} */ { rule }) {
  if (rule.alerts.length === 0) return null;
  return html`
    <details class="firings">
      <summary>When: ${rule.totals.count > LISTED_MAX ? `the first ${LISTED_MAX} of ${rule.totals.count}` : rule.totals.count}</summary>
      <ol>
        ${rule.alerts.slice(0, LISTED_MAX).map(({ startedAt, endedAt, severity, text }) => {
          const end = endedAt === null ? 'its end' : positionText(endedAt / 1e6);
          return html`<li>
            <b>${positionText(Math.max(0, startedAt) / 1e6)} to ${end}</b> ${SEVERITY[severity].word}: ${text}
          </li>`;
        })}
      </ol>
    </details>
  `;
}
