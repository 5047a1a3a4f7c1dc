/**
 * A recording as a file.
 *
 * An hour with raw EEG is some 150 MB of CSV. Where the browser can write to a file that the person
 * has picked (showSaveFilePicker: Chromium, and only over https or on the gateway itself), it goes
 * there as it comes and takes no memory. Elsewhere the browser has to hold it as a whole before it is
 * saved: then a large one is announced, with the format that is small, before it is begun. The gateway
 * would make a large one into a file of its own first; the page prefers to have it as it comes (RFC 7240).
 */
import { useRef, useState } from 'preact/hooks';
import { request, sentenceOf } from './api.js';
import { html } from './gauge.js';
import { handOver } from './hand-over.js';
import { isCan, isFrames, withoutCan } from './stream-groups.js';
import { bytesText, countText } from './words.js';

/**
 * Bytes a value, as drives of the simulated car have them: `sampleBytes` of those that are no CAN, which
 * are mostly EEG, `canBytes` of the signals of CAN, and `frameBytes` of its raw frames.
 */
const FORMATS = [
  // biome-ignore-start format: a table
  {
    format: 'csv',
    name: 'CSV',
    about: 'a line for each value',
    extension: '.csv',
    mime: 'text/csv',
    sampleBytes: 70,
    canBytes: 75,
    frameBytes: 75,
  },
  {
    format: 'csv-wide',
    name: 'CSV, wide',
    about: 'a column for each stream',
    extension: '.wide.csv',
    mime: 'text/csv',
    sampleBytes: 120,
    canBytes: 45,
    frameBytes: 0,
  },
  {
    format: 'jsonl',
    name: 'JSON Lines',
    about: 'for programs',
    extension: '.jsonl',
    mime: 'application/jsonl',
    sampleBytes: 26,
    canBytes: 95,
    frameBytes: 110,
  },
  {
    format: 'parquet',
    name: 'Parquet',
    about: 'the smallest, for analysis',
    extension: '.parquet',
    mime: 'application/vnd.apache.parquet',
    sampleBytes: 3,
    canBytes: 12,
    frameBytes: 14,
  },
  // biome-ignore-end format: a table
];
/** Of the raw frames alone, for the tools that people look into CAN buses with. */
const LOGS = [
  {
    format: 'candump',
    name: 'candump',
    about: 'can-utils, SavvyCAN',
    extension: '.log',
    mime: 'text/plain',
    sampleBytes: 0,
    canBytes: 0,
    frameBytes: 45,
  },
  {
    format: 'asc',
    name: 'ASC',
    about: 'Vector, as text',
    extension: '.asc',
    mime: 'text/plain',
    sampleBytes: 0,
    canBytes: 0,
    frameBytes: 65,
  },
  {
    format: 'blf',
    name: 'BLF',
    about: 'Vector, the smallest',
    extension: '.blf',
    mime: 'application/octet-stream',
    sampleBytes: 0,
    canBytes: 0,
    frameBytes: 11,
  },
];
/** Held in memory, more than this is announced first: a phone may run out of it. */
const QUIET_BYTES_MAX = 100e6;

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./plot.js').Range} Range */
/** @typedef {typeof FORMATS[number]} Format */

/**
 * What this page uses of the File System Access API, which TypeScript does not know.
 * @typedef {object} PickedFile
 * @property {() => Promise<WritableStream<Uint8Array>>} createWritable
 * @property {() => Promise<void>} [remove]
 */
/**
 * @typedef {(options: {
 *   suggestedName: string,
 *   types: { description: string, accept: Record<string, string[]> }[],
 * }) => Promise<PickedFile>} Picker
 */

/**
 * About how large a file is.
 * @param {Pick<Session, 'stats'>} session
 * @param {Pick<Format, 'sampleBytes' | 'canBytes' | 'frameBytes'>} format
 * @param {Range | undefined} part
 * @param {readonly string[]} [named] streams; all where left out
 */
export function estimate({ stats }, { sampleBytes, canBytes, frameBytes }, part, named) {
  if (!stats) return 0;
  const bytes = Object.entries(stats.streams)
    .filter(([id]) => named?.includes(id) ?? true)
    .map(([id, { n }]) => n * (isFrames(id) ? frameBytes : isCan(id) ? canBytes : sampleBytes));
  const share = part && stats.durationS > 0 ? (part.to - part.from) / (stats.durationS * 1e6) : 1;
  return bytes.reduce((sum, one) => sum + one, 0) * Math.min(1, share);
}

/** @param {{ session: Session, shown: Range | undefined }} props */
export function Downloads({ session, shown }) {
  const [partOnly, setPartOnly] = useState(true);
  const [withCan, setWithCan] = useState(true);
  const [asked, setAsked] = useState(/** @type {Format | undefined} */ (undefined));
  const { state, save, cancel } = useDownload();
  const part = partOnly ? shown : undefined;
  const ids = Object.keys(session.stats?.streams ?? {});
  const others = withoutCan(ids);
  /** @param {Format} format */
  const streamsIn = (format) => (withCan || LOGS.includes(format) ? undefined : others);
  /** @param {Format} format */
  const sizeOf = (format) => estimate(session, format, part, streamsIn(format));
  /** @param {Format} format */
  const begin = (format) => {
    setAsked(undefined);
    const streams = streamsIn(format);
    const body = {
      ...{ session: session.id, format: format.format, ...part },
      ...(streams && { streams }),
    };
    void save(body, `vigil-session-${session.id}${format.extension}`, format);
  };
  /** @param {Format} format */
  const choose = (format) => {
    if (!picker() && sizeOf(format) > QUIET_BYTES_MAX) setAsked(format);
    else begin(format);
  };
  const { busy, bytes, text, failed } = state;
  const list = { busy, sizeOf, onChoose: choose };
  return html`
    <section class="card downloads" aria-labelledby="downloads-title">
      <h3 id="downloads-title">Download</h3>
      ${shown && html`<${Check} checked=${partOnly} onChange=${setPartOnly} label="Only the part that is shown" />`}
      ${
        others &&
        html`<${Check}
          checked=${withCan}
          onChange=${setWithCan}
          label="With ${countText(ids.length - others.length)} streams of CAN"
        />`
      }
      <${FormatList} formats=${FORMATS} ...${list} />
      ${
        ids.some(isFrames) &&
        html`<h4>Raw frames of CAN alone</h4><${FormatList} formats=${LOGS} ...${list} />`
      }
      ${asked && html`<${Large} format=${asked} bytes=${sizeOf(asked)} onAnswer=${(/** @type {boolean} */ yes) => (yes ? begin(asked) : setAsked(undefined))} />`}
      <p class="said" role="status" data-failed=${failed}>${busy ? 'Downloading …' : text}</p>
      ${
        busy &&
        html`<div class="do">
          <span aria-hidden="true">${bytesText(bytes)}</span>
          <button class="button" type="button" onClick=${cancel}>Stop</button>
        </div>`
      }
    </section>
  `;
}

/** @param {{ label: string, checked: boolean, onChange: (checked: boolean) => void }} props */
function Check({ label, checked, onChange }) {
  return html`
    <label class="check">
      <input type="checkbox" checked=${checked} onChange=${() => onChange(!checked)} />
      <span>${label}</span>
    </label>
  `;
}

/** @param {{ formats: readonly Format[], busy: boolean, sizeOf: (format: Format) => number, onChoose: (format: Format) => void }} props */
function FormatList({ formats, busy, sizeOf, onChoose }) {
  return html`
    <ul data-of=${formats.length}>
      ${formats.map(
        (format) => html`
          <li>
            <button class="button" type="button" disabled=${busy} onClick=${() => onChoose(format)}>
              ${format.name}
            </button>
            <small>${format.about}</small>
            <small>about ${bytesText(sizeOf(format))}</small>
          </li>
        `,
      )}
    </ul>
  `;
}

/** Asks before a browser takes much into its memory. */
function Large(
  /** @type {{ format: Format, bytes: number, onAnswer: (yes: boolean) => void }} */ props,
) {
  const { format, bytes, onAnswer } = props;
  const advice = LOGS.includes(format)
    ? 'A part of the recording is smaller.'
    : 'Parquet has the same in far less, and a part of the recording is smaller.';
  return html`
    <div class="confirm" role="alert">
      <p>${format.name} is about ${bytesText(bytes)}, which this browser has to hold in memory. ${advice}</p>
      <button class="button" type="button" onClick=${() => onAnswer(false)}>Do not</button>
      <button class="button" type="button" onClick=${() => onAnswer(true)}>Download anyway</button>
    </div>
  `;
}

/** One download at a time, and how it goes. */
function useDownload() {
  const [state, setState] = useState({ busy: false, bytes: 0, text: '', failed: false });
  const running = useRef(/** @type {AbortController | undefined} */ (undefined));
  /**
   * @param {object} body of the request
   * @param {string} name
   * @param {Format} format
   */
  const save = async (body, name, format) => {
    running.current = new AbortController();
    const { signal } = running.current;
    let bytes = 0;
    setState({ busy: true, bytes, text: '', failed: false });
    const count = /** @param {number} more */ (more) => {
      bytes += more;
      setState((old) => ({ ...old, bytes }));
    };
    try {
      const headers = { prefer: 'wait=60' };
      const send = () => request('/export', { method: 'POST', body, headers, signal });
      await saveFile(send, { name, mime: format.mime }, (reply) => counted(reply, count), signal);
      setState({ busy: false, bytes, text: `${name} has ${bytesText(bytes)}.`, failed: false });
    } catch (error) {
      const lost =
        error instanceof TypeError ||
        (error instanceof DOMException && error.name !== 'AbortError');
      const text = lost ? `The download has failed: ${error.message}` : sentenceOf(error);
      setState({ busy: false, bytes, text, failed: text !== '' });
    }
  };
  return { state, save, cancel: () => running.current?.abort() };
}

/**
 * Writes a reply to a file as it comes, or has the browser save it when it is there.
 * @param {() => Promise<Response>} send
 * @param {{ name: string, mime: string }} file
 * @param {(reply: Response) => ReadableStream<Uint8Array>} bodyOf
 * @param {AbortSignal} signal
 */
async function saveFile(send, { name, mime }, bodyOf, signal) {
  const pick = picker();
  if (!pick) {
    const body = bodyOf(await send());
    const blob = await new Response(body, { headers: { 'content-type': mime } }).blob();
    if (!signal.aborted) handOver(blob, name);
    return;
  }
  const accept = { [mime]: [name.slice(name.lastIndexOf('.'))] };
  // A browser wants the click that led here, so the file is picked before anything is waited for.
  const picked = await pick({ suggestedName: name, types: [{ description: name, accept }] });
  try {
    const body = bodyOf(await send());
    await body.pipeTo(await picked.createWritable(), { signal });
  } catch (error) {
    // Picking has made an empty file.
    await picked.remove?.();
    throw error;
  }
}

/** @returns {Picker | undefined} */
function picker() {
  const page = /** @type {{ showSaveFilePicker?: Picker }} */ (/** @type {unknown} */ (window));
  return page.showSaveFilePicker?.bind(window);
}

/**
 * The body of a reply, of which each piece is counted.
 * @param {Response} reply
 * @param {(bytes: number) => void} count
 * @returns {ReadableStream<Uint8Array>}
 */
function counted(reply, count) {
  const counter = new TransformStream({
    /** @param {Uint8Array} piece */
    transform(piece, controller) {
      count(piece.byteLength);
      controller.enqueue(piece);
    },
  });
  return (reply.body ?? new Blob().stream()).pipeThrough(counter);
}
