import * as v from 'valibot';
import { isExpected } from '#core/errors.ts';
import type { ActionKind, ActionState } from '../../alerts/actions/action.ts';
import { AlertError } from '../../alerts/errors.ts';
import { Problem, sentence } from '../problem.ts';
import { route } from '../route.ts';
import { answering } from './problems.ts';

/** What the routes of actions need. */
export interface AlertActionsDeps {
  readonly alerting: {
    actions(): readonly {
      readonly id: string;
      readonly kind: ActionKind;
      readonly status: ActionState;
      /** A sentence for a person. */
      readonly text: string;
    }[];
    /**
     * Has an action do something now. Resolves when the other end has it; rejects within a minute.
     *
     * @throws AlertError NOT_FOUND; what the action says, an error with a `code`
     */
    test(id: string): Promise<void>;
  };
}

export const listActions = route({
  method: 'GET',
  path: '/alerts/actions',
  summary: 'What alerts do besides being shown, and whether that works.',
  access: 'rules',
  query: undefined,
  body: undefined,
  reply: v.object({
    items: v.array(
      v.object({
        id: v.string(),
        kind: v.picklist(['mail', 'webhook', 'buzzer']),
        status: v.picklist(['ok', 'waiting', 'failed']),
        text: v.string(),
      }),
    ),
    next: v.null(),
  }),
  handle: ({ alerting }: AlertActionsDeps) => ({ items: alerting.actions(), next: null }),
});

export const testAction = route({
  method: 'POST',
  path: '/alerts/actions/:id/test',
  summary: 'Tries an action at once. 502 with what the other end said when it did not take it.',
  access: 'watch',
  query: undefined,
  body: v.optional(v.strictObject({})),
  reply: v.void(),
  problems: [502],
  handle: ({ alerting }: AlertActionsDeps, { params }) =>
    answering(async () => {
      try {
        await alerting.test(params['id'] ?? '');
      } catch (error) {
        if (error instanceof AlertError || !isExpected(error)) throw error;
        throw new Problem(502, sentence(error.message));
      }
    }),
});
