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
import { bytesText } from './words.js';

/** `sampleBytes`: of drives of the simulated car, whose samples are mostly EEG. */
const FORMATS = [
  // biome-ignore-start format: a table
  {
    format: 'csv',
    name: 'CSV',
    about: 'a line for each value',
    extension: '.csv',
    mime: 'text/csv',
    sampleBytes: 70,
  },
  {
    format: 'csv-wide',
    name: 'CSV, wide',
    about: 'a column for each stream',
    extension: '.wide.csv',
    mime: 'text/csv',
    sampleBytes: 120,
  },
  {
    format: 'jsonl',
    name: 'JSON Lines',
    about: 'for programs',
    extension: '.jsonl',
    mime: 'application/jsonl',
    sampleBytes: 26,
  },
  {
    format: 'parquet',
    name: 'Parquet',
    about: 'the smallest, for analysis',
    extension: '.parquet',
    mime: 'application/vnd.apache.parquet',
    sampleBytes: 3,
  },
  // biome-ignore-end format: a table
];
/** Held in memory, more than this is announced first: a phone may run out of it. */
const QUIET_BYTES_MAX = 100e6;
/** How long the browser has to begin to save what it holds, ms. */
const SAVE_MS = 60_000;

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
 * @param {Pick<Format, 'sampleBytes'>} format
 * @param {Range | undefined} part
 */
export function estimate({ stats }, { sampleBytes }, part) {
  if (!stats) return 0;
  const samples = Object.values(stats.streams).reduce((sum, { n }) => sum + n, 0);
  const share = part && stats.durationS > 0 ? (part.to - part.from) / (stats.durationS * 1e6) : 1;
  return samples * sampleBytes * Math.min(1, share);
}

/** @param {{ session: Session, shown: Range | undefined }} props */
export function Downloads({ session, shown }) {
  const [partOnly, setPartOnly] = useState(true);
  const [asked, setAsked] = useState(/** @type {Format | undefined} */ (undefined));
  const { state, save, cancel } = useDownload();
  const part = partOnly ? shown : undefined;
  /** @param {Format} format */
  const begin = (format) => {
    setAsked(undefined);
    const body = { session: session.id, format: format.format, ...part };
    void save(body, `vigil-session-${session.id}${format.extension}`, format);
  };
  /** @param {Format} format */
  const choose = (format) => {
    const large = !picker() && estimate(session, format, part) > QUIET_BYTES_MAX;
    if (large) setAsked(format);
    else begin(format);
  };
  const { busy, bytes, text, failed } = state;
  return html`
    <section class="card downloads" aria-labelledby="downloads-title">
      <h3 id="downloads-title">Download</h3>
      ${
        shown &&
        html`<label class="check">
          <input type="checkbox" checked=${partOnly} onChange=${() => setPartOnly(!partOnly)} />
          <span>Only the part that is shown</span>
        </label>`
      }
      <ul>
        ${FORMATS.map(
          (format) => html`
            <li>
              <button class="button" type="button" disabled=${busy} onClick=${() => choose(format)}>
                ${format.name}
              </button>
              <small>${format.about}</small>
              <small>about ${bytesText(estimate(session, format, part))}</small>
            </li>
          `,
        )}
      </ul>
      ${
        asked &&
        html`<div class="confirm" role="alert">
          <p>
            ${asked.name} is about ${bytesText(estimate(session, asked, part))}, which this browser has
            to hold in memory. Parquet has the same in far less, and a part of the recording is smaller.
          </p>
          <button class="button" type="button" onClick=${() => setAsked(undefined)}>Do not</button>
          <button class="button" type="button" onClick=${() => begin(asked)}>Download anyway</button>
        </div>`
      }
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

/**
 * Has the browser save what it holds.
 * @param {Blob} blob
 * @param {string} name
 */
function handOver(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SAVE_MS);
}
