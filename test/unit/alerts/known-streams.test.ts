import { expect, test } from 'vitest';
import type { Stream } from '#core/stream.ts';
import { KnownStreams } from '../../../src/alerts/known-streams.ts';

const stream = (id: string, unit = '1'): Stream => {
  return { id, name: id, unit, range: [0, 1], hz: 1, kind: 'sample' };
};

function create(...first: Stream[]) {
  const streams = { list: first };
  return { streams, known: new KnownStreams(() => [...streams.list], ['mail']) };
}

test('an id means its stream, a pattern those below it, a star all', () => {
  const { known } = create(stream('a.b'), stream('a.c'), stream('ab.c'));
  const ids = (pattern: string) =>
    known
      .surroundings()
      .streams(pattern)
      .map(({ id }) => id);
  expect(ids('a.b')).toEqual(['a.b']);
  expect(ids('a.*')).toEqual(['a.b', 'a.c']);
  expect(ids('*')).toEqual(['a.b', 'a.c', 'ab.c']);
  expect(ids('b')).toEqual([]);
  expect(known.find('ab.c')?.id).toBe('ab.c');
  expect(known.find('abc')).toBeUndefined();
  expect(known.surroundings().actions).toEqual(['mail']);
});

test('of two streams with one id the later one counts', () => {
  const { known } = create(stream('a', 'm'), stream('a', 'km'));
  expect(known.find('a')?.unit).toBe('km');
});

test('it is the same object until a stream comes, goes or is another', () => {
  const [a, b] = [stream('a'), stream('b')];
  const { streams, known } = create(a);
  const first = known.surroundings();
  expect(known.surroundings()).toBe(first);
  streams.list = [a, b];
  const second = known.surroundings();
  expect(second).not.toBe(first);
  expect(known.surroundings()).toBe(second);
  streams.list = [a, stream('b', 'km')];
  expect(known.surroundings()).not.toBe(second);
  expect(known.find('b')?.unit).toBe('km');
});

test('without any stream the actions are known', () => {
  expect(create().known.surroundings().actions).toEqual(['mail']);
});
