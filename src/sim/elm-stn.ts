/** The few commands of the STN family (OBDLink) that matter here: identity and one-shot requests. */
import type { Micros } from '#core/stream.ts';
import { type Reply, replyNow, unhex } from './elm-reply.ts';
import { obdRequest } from './elm-request.ts';
import type { ElmState } from './elm-state.ts';

const TICK_MS = 4;
const TICKS_MAX = 255;
const DEVICE = 'OBDLink MX+ r3.1';

/** Runs one command, given without its ST and without spaces, in upper case. */
export function stnCommand(state: ElmState, text: string, now: Micros): Reply {
  const { stn } = state.personality;
  if (!stn) return replyNow(['?']);
  if (text === 'I') return replyNow([stn]);
  if (text === 'DI') return replyNow([DEVICE]);
  if (text.startsWith('PX')) return oneShot(state, text.slice(2), now);
  return replyNow(['?']);
}

/** STPX H:7E0, D:010C, R:1, T:100: header, data, number of answers, timeout in ms. */
function oneShot(state: ElmState, text: string, now: Micros): Reply {
  const fields = new Map(text.split(',').map((field) => [field.slice(0, 2), field.slice(2)]));
  const data = fields.get('D:') ?? '';
  if (!/^([0-9A-F]{2}){1,7}$/.test(data)) return replyNow(['?']);
  const { settings } = state;
  const timeout = fields.get('T:');
  state.settings = {
    ...settings,
    header: fields.get('H:') ?? settings.header,
    timeoutTicks: timeout
      ? Math.min(TICKS_MAX, Math.ceil(Number(timeout) / TICK_MS))
      : settings.timeoutTicks,
  };
  const request = { bytes: unhex(data), limit: Number(fields.get('R:') ?? 0) };
  const reply = obdRequest(state, request, now);
  state.settings = settings;
  return reply;
}
