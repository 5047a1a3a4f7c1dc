/** An answer with its version, which a change has to name (RFC 9110 clause 13.1.1). */
import { useEffect, useState } from 'preact/hooks';
import { request, sentenceOf } from './api.js';

/**
 * @template T
 * @param {string} path
 * @returns {{ answer: T | undefined, tag: string, error: string, again: () => void }}
 */
export function useTagged(path) {
  const [state, setState] = useState({
    answer: /** @type {T | undefined} */ (undefined),
    tag: '',
    error: '',
  });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const put = async () => {
      try {
        const reply = await request(path, { signal: leaving.signal });
        const answer = /** @type {T} */ (await reply.json());
        setState({ answer, tag: reply.headers.get('etag') ?? '', error: '' });
      } catch (error) {
        if (!leaving.signal.aborted) setState((old) => ({ ...old, error: sentenceOf(error) }));
      }
    };
    void put();
    return () => leaving.abort();
  }, [path, turn]);
  return { ...state, again: () => setTurn((n) => n + 1) };
}
