import { withoutQuery } from '../kernel/errors.ts';
import { withoutSecrets } from '../kernel/secrets.ts';
import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

/** What never reaches a log, wherever in a line it stands. */
const REDACTED = [
  'authorization',
  'cookie',
  'cookies',
  'key',
  'apiKey',
  'password',
  'html',
  'headers',
  'databaseUrl',
  'databaseDirectUrl',
  'directUrl',
];

export interface LogOptions {
  level: string;
  /** `serve`, `work`, … */
  process: string;
  /** Human lines instead of JSON. */
  human: boolean;
  write: (line: string) => void;
}

/** JSON lines, or human lines on a terminal. Passwords in URLs are blotted out wherever they appear. */
export function createLogger({ level, process: name, human, write }: LogOptions): Logger {
  const paths = REDACTED.flatMap((field) => [field, `*.${field}`]);
  return pino(
    {
      level,
      base: { process: name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: '[redacted]' },
      serializers: { err: serialized },
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => write(withoutSecrets(human ? humanLine(line) : line)) },
  );
}

/** Without the values of a row, which Postgres tells in the details of a check that fails. */
function serialized(error: unknown): object {
  const { detail: _, ...told } = pino.stdSerializers.err(withoutQuery(error) as Error);
  return told;
}

const COLOURS: Record<string, string> = { trace: '90', debug: '90', info: '36', warn: '33', error: '31', fatal: '31' };

function humanLine(line: string): string {
  const { level, time, msg, process: _, pid: __, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const error = typeof err === 'object' && err !== null && 'message' in err ? [String(err.message)] : [];
  const clock = String(time).slice(11, 19);
  return `\u001b[90m${clock}\u001b[0m \u001b[${COLOURS[String(level)] ?? '0'}m${String(level).padEnd(5)}\u001b[0m ${String(msg)} \u001b[90m${[...details, ...error].join(' ')}\u001b[0m\n`;
}
