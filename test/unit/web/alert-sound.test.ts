import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Sound } from '../../../web/alert-sound.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What of an AudioContext is used: it counts tones, and starts when it is told to. */
class FakeContext {
  state = 'suspended';
  currentTime = 0;
  destination = {};
  onstatechange: (() => void) | null = null;
  tones: number[] = [];

  resume(): Promise<void> {
    this.state = 'running';
    return Promise.resolve();
  }

  createGain() {
    const nothing = () => undefined;
    const gain = { setValueAtTime: nothing, linearRampToValueAtTime: nothing };
    return { gain, connect: (next: unknown) => next };
  }

  createOscillator() {
    const frequency = { value: 0 };
    return {
      frequency,
      connect: (next: unknown) => next,
      start: () => void this.tones.push(frequency.value),
      stop: () => undefined,
    };
  }
}

function setup(kept: string | null = null, wasTouched = true) {
  const contexts: FakeContext[] = [];
  const choices: string[] = [];
  const buzzes: number[][] = [];
  const sound = new Sound({
    open: () => {
      const context = new FakeContext();
      contexts.push(context);
      return context as unknown as AudioContext;
    },
    wasTouched: () => wasTouched,
    read: () => kept,
    keep: (choice) => void choices.push(choice),
    buzz: (pattern) => void buzzes.push(pattern),
  });
  const tones = () => contexts.flatMap((context) => context.tones);
  return { sound, contexts, choices, buzzes, tones };
}

test('nothing sounds before somebody has touched the button; then a test tone does', async () => {
  const { sound, contexts, choices, tones } = setup();
  sound.play('alarm');
  sound.touched();
  expect(contexts).toHaveLength(0);
  expect(sound.state.value).toBe('locked');
  sound.toggle();
  await vi.advanceTimersByTimeAsync(0);
  expect(sound.state.value).toBe('on');
  expect(choices).toEqual(['on']);
  expect(tones()).toHaveLength(2);
});

test('a choice that was kept waits for the first touch of the page', async () => {
  const { sound, contexts } = setup('on');
  expect(sound.state.value).toBe('locked');
  expect(contexts).toHaveLength(0);
  sound.touched();
  await vi.advanceTimersByTimeAsync(0);
  expect(sound.state.value).toBe('on');
});

test('an untouched page neither sounds nor buzzes', () => {
  const { sound, contexts, buzzes } = setup('on', false);
  sound.touched();
  sound.play('alarm');
  expect([contexts, buzzes]).toEqual([[], []]);
});

test('severities differ in how many tones they have', async () => {
  const { sound, tones } = setup('on');
  sound.touched();
  await vi.advanceTimersByTimeAsync(0);
  const counts = (['info', 'warn', 'alarm'] as const).map((severity) => {
    const before = tones().length;
    sound.play(severity);
    return tones().length - before;
  });
  expect(counts).toEqual([1, 2, 3]);
});

test('an alarm is repeated until it is not to be any more', async () => {
  const { sound, tones } = setup('on');
  sound.touched();
  await vi.advanceTimersByTimeAsync(0);
  sound.ring(true);
  sound.ring(true);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(tones()).toHaveLength(9);
  sound.ring(false);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(tones()).toHaveLength(9);
});

test('what is muted neither sounds nor buzzes, and says so', async () => {
  const { sound, contexts, choices, buzzes, tones } = setup('on');
  sound.touched();
  await vi.advanceTimersByTimeAsync(0);
  sound.toggle();
  sound.play('alarm');
  expect(sound.state.value).toBe('muted');
  expect(choices).toEqual(['off']);
  expect([tones(), buzzes]).toEqual([[], []]);
  sound.touched();
  expect(contexts).toHaveLength(1);
});

test('a sound that the phone has stopped is told', async () => {
  const { sound, contexts } = setup('on');
  sound.touched();
  await vi.advanceTimersByTimeAsync(0);
  const [context] = contexts;
  if (context) context.state = 'interrupted';
  context?.onstatechange?.();
  expect(sound.state.value).toBe('locked');
});
