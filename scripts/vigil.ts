/** What is stored, for people: lists it, exports it, tries rules on it, checks it and plays it again. */
import { ConfigError, codeOf, isExpected } from '#core/errors.ts';
import { ExportError } from '../src/export/errors.ts';
import { unknownOption } from '../src/settings/unknown-option.ts';
import { backtestCommand } from './commands/backtest.ts';
import { Interrupted, UsageError } from './commands/errors.ts';
import { exportCommand } from './commands/export.ts';
import { replayCommand } from './commands/replay.ts';
import { sessionsCommand } from './commands/sessions.ts';
import { verifyCommand } from './commands/verify.ts';
import { errorText } from './commands/words.ts';

const USAGE = `usage: scripts/vigil COMMAND [options]

  sessions [--json]          what was recorded
  export SESSION --format F  a session as a file; all sessions and what is between them: all
    -o FILE                  where to (a name of its own in this directory); - for standard output
    --force                  write over a file that is there
    --streams A,B            these streams only: ids, or what they begin with up to a dot
    --from 5m --to 1h30m     from the start of the session
  backtest SESSION...        when an alert rule would have found something
    --rule RULE              a .json file as for POST /alerts, or the id of a rule of the gateway
    --against RULE           another version of it, to compare
  verify                     reads everything that is stored and checks it; 1 where it is damaged
  replay SESSION|FILE        runs the gateway with a session, or a log of CAN buses, in place of devices
    --speed N                so many times as fast            (1)
    --http HOST:PORT         dashboard and API                (127.0.0.1:8080)

  --data DIR                 where everything is kept: the gateway's setting, or VIGIL_DATA
  -h, --help                 this text

F is csv, csv-wide, jsonl, parquet, parquet-wide, candump, asc or blf. SESSION is a number or last.
Exit codes: 0 done, 1 it could not be done, 2 it was asked for wrongly. A replay ends as the gateway.
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const COMMANDS: ReadonlyMap<string, (argv: readonly string[]) => Promise<number>> = new Map([
  ['sessions', sessionsCommand],
  ['export', exportCommand],
  ['backtest', backtestCommand],
  ['verify', verifyCommand],
  ['replay', replayCommand],
]);

// Whoever read it has seen enough, as `head` does.
process.stdout.on('error', (error) => {
  if (codeOf(error) !== 'EPIPE') throw error;
  process.exit();
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error);
  // The first line of what parseArgs says is the sentence; the others advise.
  const [sentence = ''] = errorText(error).split('\n');
  const words = sentence.replace('argument is ambiguous.', 'needs a value without a dash');
  process.stderr.write(`vigil: ${unknownOption(sentence, optionsOf(process.argv[2])) ?? words}\n`);
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (argv.includes('--help') || argv.includes('-h') || name === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const names = [...COMMANDS.keys()].join(', ');
  if (name === undefined) throw new UsageError(`expected a command: one of ${names}; see --help`);
  const command = COMMANDS.get(name);
  if (command === undefined) {
    const found = JSON.stringify(name);
    throw new UsageError(`expected a command, one of ${names}, found ${found}; see --help`);
  }
  return await command(rest);
}

/** The options of a command, by what the usage text has of it: below its line, and for all at the end. */
function optionsOf(command = ''): string[] {
  const parts = USAGE.split(/\n(?= {2}\S|\n)/);
  const its = parts.filter((part) => part.startsWith(`  ${command} `) || part.startsWith('  -'));
  return its.flatMap((part) => [...part.matchAll(/--([a-z]+)/g)].map(([, name = '']) => name));
}

/** @throws what is a bug */
function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  const asked = [UsageError, ConfigError, ExportError].some((kind) => error instanceof kind);
  if (asked || codeOf(error).startsWith('ERR_PARSE_ARGS')) return EXIT_USAGE;
  if (isExpected(error)) return EXIT_FAILED;
  throw error;
}
