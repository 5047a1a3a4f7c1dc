import type { AlertRule } from '#core/alert.ts';
import type { SessionStats, Stretch } from '#core/session.ts';
import type { Json } from '#core/stream.ts';
import type { StudyTime } from '../alerts/backtest/clock.ts';
import type { Backtest } from '../alerts/backtest/findings.ts';
import type { ExportAbout } from '../export/about.ts';
import type { ExportFormatName } from '../export/formats.ts';
import type { EventKey } from '../store/keys.ts';

/** What can be asked about what is stored, and what comes back. All of it can be sent to a thread. */

interface OverStretches {
  /** In the order of time, with `at` counted from wherever the answer's times are to count from. */
  readonly stretches: readonly Stretch[];
}

/** What a session amounts to. */
export type StatisticsQuestion = OverStretches;

/** The values of samples and waves. */
export interface SeriesQuestion extends OverStretches {
  /** Ids; each must have been stored at some time. */
  readonly streams: readonly string[];
  /** Reduces each stream to about so many points, 1 to POINTS_MAX of store/downsample.ts; raw without it. */
  readonly points?: number | undefined;
}

/** One stream as it was recorded. */
export interface RawSeries {
  /** Whole microseconds since the session's start. */
  readonly t: readonly number[];
  /** In the stream's unit. */
  readonly v: readonly number[];
}

/** One stream reduced to points, each with at least one sample. */
export interface ReducedSeries {
  /** Where each point begins, in whole microseconds since the session's start. */
  readonly t: readonly number[];
  readonly min: readonly number[];
  readonly max: readonly number[];
  readonly mean: readonly number[];
  /** Samples in it. */
  readonly n: readonly number[];
}

export interface Series {
  /** By stream id. `<id>.<number>` is what the id meant before its unit or scale was changed. */
  readonly streams: Readonly<Record<string, RawSeries | ReducedSeries>>;
}

/** One page of events. */
export interface EventsQuestion extends OverStretches {
  /** Ids, or what they begin with up to a dot; all events where there is no list. */
  readonly types?: readonly string[] | undefined;
  /** Ids that are left out, each with all below it. */
  readonly without?: readonly string[] | undefined;
  /** Events of a page. */
  readonly limit: number;
  /** Where the page before ended. */
  readonly after?: EventKey | undefined;
}

export interface SessionEvent {
  /** Microseconds since the session's start. */
  readonly t: number;
  /** Id. */
  readonly stream: string;
  readonly data: { readonly [key: string]: Json };
}

export interface EventPage {
  /** In the order of time. */
  readonly items: readonly SessionEvent[];
  /** `after` of the next page; null when this is the last. */
  readonly next: EventKey | null;
}

/** A file. */
export interface ExportQuestion extends OverStretches {
  /** `session 12`. */
  readonly title: string;
  /** Left out where it is of no session. */
  readonly about?: ExportAbout | undefined;
  /** Ids; everything that has data and that the format can hold where there is no list. */
  readonly streams?: readonly string[] | undefined;
  /** Ids that are left out of everything, each with all below it. */
  readonly without?: readonly string[] | undefined;
  readonly format: ExportFormatName;
}

export interface ExportHead {
  /** Of lower-case ASCII letters, digits, `-`, `_` and dots. */
  readonly fileName: string;
  readonly mime: string;
}

/** What rules would have found in sessions. */
export interface BacktestQuestion {
  /** Checked ones. */
  readonly rules: readonly AlertRule[];
  /** Whether there are two of them, which are versions of one. */
  readonly versions: boolean;
  readonly sessions: readonly BacktestSession[];
  /** When sessions of the studies that the rules ask for were open. */
  readonly studies: readonly StudyTime[];
}

export interface BacktestSession extends OverStretches {
  /** Id. */
  readonly session: number;
}

export interface SessionBacktest extends Backtest {
  /** Id. */
  readonly session: number;
  /** What to know about the answer, in sentences: streams that were not there. */
  readonly notes: readonly string[];
}

/** What is answered at once. */
export interface Questions {
  readonly statistics: { readonly question: StatisticsQuestion; readonly answer: SessionStats };
  /** UTF-8 of the JSON of Series: made in the thread, because it may be megabytes. */
  readonly series: { readonly question: SeriesQuestion; readonly answer: Uint8Array };
  readonly events: { readonly question: EventsQuestion; readonly answer: EventPage };
}
export type QuestionKind = keyof Questions;

/** A question of any kind, as it is sent. */
export type Asked =
  | {
      readonly [K in QuestionKind]: {
        readonly kind: K;
        readonly question: Questions[K]['question'];
      };
    }[QuestionKind]
  | FileAsked;

/** What is answered by bytes, piece by piece. */
export type FileAsked =
  | { readonly kind: 'export'; readonly question: ExportQuestion }
  | { readonly kind: 'backtest'; readonly question: BacktestQuestion };
