/**
 * Seeded randomness for the simulators: the same seed gives the same car and the same head, byte for
 * byte, on every machine. Not for secrets.
 */

/** 2^32: every generator here works on 32-bit words. */
const WORDS = 4_294_967_296;

/** A sequence of uniform numbers in [0, 1), a different one for every seed (taken as u32). */
export function seededRandom(seed: number): () => number {
  let n = 0;
  return () => hash01(seed, n++);
}

/** The n-th number in [0, 1) of a seed's sequence, without the ones before it. */
export function hash01(seed: number, n: number): number {
  return mix(mix(seed ^ 0x9e37_79b9) + n) / WORDS;
}

/** The 32-bit finalizer of MurmurHash3 (Appleby, public domain): every input bit moves every output bit. */
function mix(word: number): number {
  let h = word >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
