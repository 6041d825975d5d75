import { withoutQuery } from '../kernel/errors.ts';
import { withoutSecrets } from '../kernel/secrets.ts';
import { pino } from 'pino';
import { LOG_MESSAGES, type LogEvent } from './log-messages.ts';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Each method writes one line, with the event's message; an error goes into the field `err`. */
export type Logger = Record<(typeof LEVELS)[number], (event: LogEvent, fields?: object) => void>;

/** Fields that are never written, nor as fields of a field. */
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
  /** Lines for people instead of JSON. */
  human: boolean;
  write: (line: string) => void;
}

/** Passwords, keys and the queries of URLs are removed wherever they appear. */
export function createLogger({ level, process: name, human, write }: LogOptions): Logger {
  const paths = REDACTED.flatMap((field) => [field, `*.${field}`]);
  const lines = pino(
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
  const methods = LEVELS.map((method): [string, Logger['info']] => [
    method,
    (event, fields) => lines[method]({ event, ...fields }, LOG_MESSAGES[event]),
  ]);
  return Object.fromEntries(methods) as Logger;
}

/** Without `detail`: when a check constraint fails, Postgres quotes the row there. */
function serialized(error: unknown): object {
  const { detail: _, ...others } = pino.stdSerializers.err(withoutQuery(error) as Error);
  return others;
}

const COLOURS: Record<string, string> = { trace: '90', debug: '90', info: '36', warn: '33', error: '31', fatal: '31' };

function humanLine(line: string): string {
  const {
    level,
    time,
    msg,
    event: _,
    process: __,
    pid: ___,
    err,
    ...rest
  } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const error = typeof err === 'object' && err !== null && 'message' in err ? [String(err.message)] : [];
  const clock = String(time).slice(11, 19);
  return `\u001b[90m${clock}\u001b[0m \u001b[${COLOURS[String(level)] ?? '0'}m${String(level).padEnd(5)}\u001b[0m ${String(msg)} \u001b[90m${[...details, ...error].join(' ')}\u001b[0m\n`;
}
