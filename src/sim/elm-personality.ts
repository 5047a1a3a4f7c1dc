/**
 * Adapters as they exist: what they say they are, and what they understand.
 *
 * `knows` is the version of the ELM327 whose commands the adapter really has (data sheet ELM327DSJ,
 * command summary with the version each command came in); 1.41 stands for 1.4b. Clones print what
 * they like: the common "v1.5" never existed, and many a "v2.1" has the commands of v1.0.
 */
export interface Personality {
  readonly banner: string;
  readonly knows: number;
  /** Commands left out although the version has them: the letters after AT. */
  readonly lacks: readonly string[];
  /** Bits per second after power-on. */
  readonly baud: number;
  /** Answer to STI, on adapters with an STN chip. */
  readonly stn?: string;
}

export type PersonalityName =
  | 'elm327-1.3'
  | 'elm327-1.4b'
  | 'elm327-2.1'
  | 'elm327-2.2'
  | 'elm327-2.3'
  | 'obdlink'
  | 'clone-1.5'
  | 'clone-2.1';

// biome-ignore format: one adapter a line, in columns
export const PERSONALITIES: Readonly<Record<PersonalityName, Personality>> = {
  'elm327-1.3':  { banner: 'ELM327 v1.3',  knows: 1.3,  lacks: [], baud: 38_400 },
  'elm327-1.4b': { banner: 'ELM327 v1.4b', knows: 1.41, lacks: [], baud: 38_400 },
  'elm327-2.1':  { banner: 'ELM327 v2.1',  knows: 2.1,  lacks: [], baud: 38_400 },
  'elm327-2.2':  { banner: 'ELM327 v2.2',  knows: 2.2,  lacks: [], baud: 38_400 },
  'elm327-2.3':  { banner: 'ELM327 v2.3',  knows: 2.3,  lacks: [], baud: 38_400 },
  'obdlink':     { banner: 'ELM327 v1.4b', knows: 1.41, lacks: [], baud: 115_200, stn: 'STN2100 v5.6.19' },
  'clone-1.5':   { banner: 'ELM327 v1.5',  knows: 1.4,  lacks: ['IGN', 'LP', 'CRA', 'BRD'], baud: 38_400 },
  'clone-2.1':   { banner: 'ELM327 v2.1',  knows: 1.0,  lacks: [], baud: 38_400 },
};
