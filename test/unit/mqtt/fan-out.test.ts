import { expect, test } from 'vitest';
import { type Deliver, FanOut } from '../../../src/mqtt/fan-out.ts';

function world(qos = new Map<Deliver, number>()) {
  const got: string[] = [];
  const fanOut = new FanOut((_filter, deliver) => qos.get(deliver) ?? 0);
  const subscriber = (name: string): Deliver => {
    return () => {
      got.push(name);
    };
  };
  return { fanOut, got, subscriber };
}

test('nobody is waited for', () => {
  const { fanOut, got, subscriber } = world();
  fanOut.on('a', () => {}); // Takes it, and is never done.
  fanOut.on('a', subscriber('other'));
  for (let i = 0; i < 1_000; i++) {
    let isDone = false;
    fanOut.emit({ topic: 'a' }, () => {
      isDone = true;
    });
    expect(isDone).toBe(true);
  }
  expect(got).toHaveLength(1_000);
});

test('the highest QoS comes first', () => {
  const qos = new Map<Deliver, number>();
  const { fanOut, got, subscriber } = world(qos);
  const [low, high] = [subscriber('low'), subscriber('high')];
  qos.set(high, 1);
  fanOut.on('#', low);
  fanOut.on('a', high);
  fanOut.emit({ topic: 'a' }, () => {});
  expect(got).toEqual(['high', 'low']);
});

test('who comes and who goes counts from the next message on', () => {
  const { fanOut, got, subscriber } = world();
  const one = subscriber('one');
  expect(fanOut.hasSubscriber('a')).toBe(false);
  fanOut.on('+', one);
  expect(fanOut.hasSubscriber('a')).toBe(true);
  fanOut.emit({ topic: 'a' }, () => {});
  fanOut.removeListener('+', one);
  expect(fanOut.hasSubscriber('a')).toBe(false);
  fanOut.emit({ topic: 'a' }, () => {});
  expect(got).toEqual(['one']);
});
