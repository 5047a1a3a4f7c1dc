import { beforeEach, expect, test } from 'vitest';
import { account } from '../../../web/account.js';
import { markPassenger } from '../../../web/markers.js';

const OPEN = [3, 5, 8];

beforeEach(() => enter('operator'));

function enter(role: 'operator' | 'viewer'): void {
  const user = {
    ...{ id: 'u1', username: 'ana', role, grants: [], enabled: true },
    createdAt: '2026-11-22T08:00:00Z',
  };
  account.enter({ access_token: 'a', expires_in: 900, user });
}

/** A gateway with three open sessions, of which some take no marker; what was asked of it. */
function gateway(answer: (id: number) => Response) {
  const asked: string[] = [];
  const fetcher: typeof fetch = async (url) => {
    const path = String(url).replace('/api/v1/sessions/', '');
    asked.push(path);
    if (path === 'current') return Response.json({ items: OPEN.map((id) => ({ id })), next: null });
    return answer(Number.parseInt(path, 10));
  };
  return { asked, fetcher };
}

test('a moment is marked once, in the newest of the open recordings', async () => {
  const { asked, fetcher } = gateway(() => Response.json({}, { status: 201 }));
  await markPassenger(fetcher);
  expect(asked).toEqual(['current', '8/events']);
});

test('where the newest has ended meanwhile, or is not to be written, the next is marked', async () => {
  const { asked, fetcher } = gateway((id) =>
    Response.json({ detail: 'No.' }, { status: id === 3 ? 201 : 409 }),
  );
  await markPassenger(fetcher);
  expect(asked).toEqual(['current', '8/events', '5/events', '3/events']);
});

test('without an answer it may be marked, and no other is', async () => {
  const { asked, fetcher } = gateway(() => {
    throw new TypeError('Failed to fetch');
  });
  await markPassenger(fetcher);
  expect(asked).toEqual(['current', '8/events']);
});

test('who may not record marks nothing', async () => {
  enter('viewer');
  const { asked, fetcher } = gateway(() => Response.json({}, { status: 201 }));
  await markPassenger(fetcher);
  expect(asked).toEqual([]);
});
