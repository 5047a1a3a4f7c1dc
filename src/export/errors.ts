import { CodedError } from '#core/errors.ts';

/**
 * `NO_STREAMS`: nothing was asked for. `UNKNOWN_FORMAT`: no such format. `UNSUPPORTED`: the format
 * cannot hold a stream of this kind. `NO_FRAMES`: a log of frames was asked for, without any frames.
 */
export type ExportErrorCode = 'NO_STREAMS' | 'UNKNOWN_FORMAT' | 'UNSUPPORTED' | 'NO_FRAMES';

/** What was asked for cannot be exported. Thrown before the first byte, for the one who asked. */
export class ExportError extends CodedError<ExportErrorCode> {
  override readonly name = 'ExportError';
}
