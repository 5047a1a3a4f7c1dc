/** A question whose answer is on the page, asked again while that can change. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, sentenceOf } from './api.js';

/** How often what still grows is asked for, ms. */
const REFRESH_MS = 5_000;

/**
 * @template T
 * @typedef {{ answer: T | undefined, error: string, again: () => void }} Answer
 * `answer`: the last one for this path, kept when a later question fails; `error`: a sentence about
 * the last question, empty when it was answered
 */

/**
 * @template T
 * @param {string | undefined} path of undefined nothing is asked
 * @param {(answer: T) => boolean} [grows] whether it is to be asked for again in a while
 * @param {number} [restMs] between an answer that grows and the next question
 * @returns {Answer<T>}
 */
export function useAnswer(path, grows = () => false, restMs = REFRESH_MS) {
  const [state, setState] = useState({
    path: /** @type {string | undefined} */ (undefined),
    answer: /** @type {T | undefined} */ (undefined),
    error: '',
  });
  const [turn, setTurn] = useState(0);
  const wants = useRef(grows);
  wants.current = grows;
  useEffect(() => {
    if (path === undefined) return undefined;
    const leaving = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const put = async () => {
      let wanted = true;
      let waitMs = REFRESH_MS;
      try {
        /** @type {T} */
        const answer = await ask(path, { signal: leaving.signal });
        setState({ path, answer, error: '' });
        wanted = wants.current(answer);
        waitMs = restMs;
      } catch (error) {
        if (leaving.signal.aborted) return;
        const text = sentenceOf(error);
        setState((old) => ({
          path,
          answer: old.path === path ? old.answer : undefined,
          error: text,
        }));
      }
      if (wanted && !leaving.signal.aborted) timer = setTimeout(whenSeen, waitMs);
    };
    const whenSeen = () => {
      if (document.hidden) timer = setTimeout(whenSeen, REFRESH_MS);
      else void put();
    };
    void put();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [path, turn]);
  const current = state.path === path;
  return {
    answer: current ? state.answer : undefined,
    error: current ? state.error : '',
    again: () => setTurn((n) => n + 1),
  };
}

/**
 * Acts when a value has changed, though not at the first.
 * @param {unknown} value
 * @param {() => void} act
 */
export function useChange(value, act) {
  const before = useRef(value);
  useEffect(() => {
    if (before.current === value) return;
    before.current = value;
    act();
  }, [value]);
}

/**
 * What somebody has done here, in words to be shown; what is on the page is asked for anew after it,
 * and when the connection is back: what failed without it is no news then.
 * `act` does it: its `work` resolves with a sentence about what was done.
 * @param {() => void} again
 * @param {boolean} [linked]
 */
export function useAct(again, linked) {
  const [said, setSaid] = useState({ text: '', failed: false });
  useChange(linked, () => {
    if (!linked) return;
    again();
    setSaid((old) => (old.failed ? { text: '', failed: false } : old));
  });
  /** @param {() => Promise<string>} work */
  const act = async (work) => {
    try {
      setSaid({ text: await work(), failed: false });
      again();
    } catch (failure) {
      setSaid({ text: sentenceOf(failure), failed: true });
    }
  };
  return { said, act };
}
